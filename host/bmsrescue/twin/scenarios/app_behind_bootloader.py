"""An application behind a bootloader that the job says nothing about; both are in order."""

from bmsrescue.twin.board.unit import Unit

from .bootloader_waiting import load_bootloader
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_bootloader(unit)


SCENARIO = Scenario(
    name="app-behind-bootloader",
    summary="the option bytes start a bootloader that the job does not name; it starts the application, which runs",
    story="The maker ships every unit like this; the job was made of the application alone.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
    job={"options": {}},
)
