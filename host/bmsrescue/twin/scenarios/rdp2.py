"""Read protection level 2: no debug port, for ever."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.options.preset(unit.chip.options.factory.with_rdp(0xCC))


SCENARIO = Scenario(
    name="rdp2",
    summary="read protection level 2, which nothing takes back",
    story="The maker fused the debug port. The firmware runs; its settings are wrong, and nobody will ever see them.",
    breaks=_break,
    expected_diagnosis="rdp2",
    expected_outcome="LOCKED",
)
