"""Read protection level 1."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.options.preset(unit.chip.options.factory.with_rdp(0x00))


SCENARIO = Scenario(
    name="rdp1",
    summary="read protection level 1, the application is damaged",
    story="The maker protects its firmware; nobody can look at what is left of it.",
    breaks=_break,
    expected_diagnosis="rdp1",
    expected_outcome="LOCKED",
)
