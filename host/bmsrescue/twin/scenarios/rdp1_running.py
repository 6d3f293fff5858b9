"""Read protection level 1 over firmware that runs."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.options.preset(unit.chip.options.factory.with_rdp(0x55))


SCENARIO = Scenario(
    name="rdp1-running",
    summary="read protection level 1, the firmware runs",
    story="The maker protects its firmware; what is broken is elsewhere.",
    breaks=_break,
    expected_diagnosis="rdp1",
    expected_outcome="LOCKED",
)
