"""The SWD wires pick up noise."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(swd_bit_error_rate=2e-5)


SCENARIO = Scenario(
    name="noisy-swd",
    summary="bits flip on SWD at 1 MHz, less often at slower clocks",
    story="The SWD wires are half a metre long and run along the charger's.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
