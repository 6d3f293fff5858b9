"""An application that runs and that the job does not know."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .sister_product import load_sister


def _break(unit: Unit) -> None:
    load_sister(unit, b"R7-2 PACE")


SCENARIO = Scenario(
    name="unknown-application",
    summary="another application runs well, and the job says nothing about whose it is",
    story="A pack that looks the same; nobody opened the second cover to read its label.",
    breaks=_break,
    expected_diagnosis="unknown-application",
    expected_outcome="LOCKED",
)
