"""Option bytes that are not what the maker sets."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.options.preset(replace(unit.chip.options.factory, optsr=0x0306AAC4))


SCENARIO = Scenario(
    name="option-corruption",
    summary="brown-out level and watchdog mode are not the maker's; the firmware is in order",
    story="The power went while a tool wrote option bytes.",
    breaks=_break,
    expected_diagnosis="option-corruption",
    expected_outcome="RECOVERED",
    consent=("option-bytes",),
)
