"""How what happened becomes an outcome; our own faults never count against the unit."""

import pytest

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.record.outcome import of_run  # noqa: E402
from rescuelink.errors import (  # noqa: E402
    CardError,
    ConsentError,
    FlashError,
    JobError,
    PowerError,
    RescueError,
    TargetError,
    WireError,
)
from rescuelink.outcomes import OUTCOMES  # noqa: E402


def outcome_of(error: RescueError | None = None, proof: bool | None = None, **facts: bool | int) -> str:
    state = {"erase_begun": False, "cured": False, "check_config": False} | facts
    return str(of_run(error, "RECOVERED", proof, **state))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CardError("missing", "no card"), "TOOL_ERROR"),
        (JobError("job", "unknown key"), "TOOL_ERROR"),
        (RescueError("tool", "a bug"), "TOOL_ERROR"),
        (RescueError("aborted", "the button was held"), "ABORTED"),
        (PowerError("over-current", "too much"), "UNSAFE"),
        (WireError("no_ack", "silent"), "CHECK_WIRES"),
        (WireError("parity", "damaged twice"), "CHECK_WIRES"),
        (WireError("fault", "refused"), "NOT_FIRMWARE"),
        (TargetError("timeout", "does not halt"), "NOT_FIRMWARE"),
        (FlashError("controller", "OPERR"), "NOT_FIRMWARE"),
        (FlashError("write_protected", "WRPERR"), "LOCKED"),
        (ConsentError("not_allowed", "no"), "LOCKED"),
    ],
)
def test_an_error_before_the_first_erase(error: RescueError, outcome: str) -> None:
    assert outcome_of(error) == outcome


@pytest.mark.parametrize(
    "error", [WireError("fault", "refused"), CardError("io", "pulled"), RescueError("tool", "bug")]
)
def test_an_error_after_the_first_erase_is_an_interruption(error: RescueError) -> None:
    assert outcome_of(error, erase_begun=True) == "INTERRUPTED"


def test_a_worn_sector_is_the_units_fault_even_in_the_middle() -> None:
    assert outcome_of(FlashError("controller", "OPERR"), erase_begun=True) == "NOT_FIRMWARE"


def test_only_a_passed_proof_is_a_recovery() -> None:
    assert outcome_of(proof=True, cured=True, erase_begun=True) == "RECOVERED"
    assert outcome_of(proof=False, cured=True, erase_begun=True) == "NOT_FIRMWARE"
    assert outcome_of(proof=True, cured=True, check_config=True) == "RECOVERED_CHECK_CONFIG"


@pytest.mark.parametrize("erase_begun", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        WireError("fault", "refused"),
        FlashError("verify", "not as sent"),
        FlashError("controller", "PGSERR"),
        TargetError("timeout", "does not halt"),
    ],
)
def test_once_a_transfer_was_disturbed_nothing_is_blamed_on_the_chip(error: RescueError, erase_begun: bool) -> None:
    assert outcome_of(error, erase_begun=erase_begun, disturbed=True) == "CHECK_WIRES"


def test_one_reset_is_gone_on_with_and_a_loop_of_resets_is_the_units() -> None:
    error = WireError("fault", "refused")
    assert outcome_of(error, resets=1) == "INTERRUPTED"
    assert outcome_of(error, resets=1, looped=True) == "NOT_FIRMWARE", "they were seen to come again and again"
    assert outcome_of(error, resets=3) == "NOT_FIRMWARE"
    assert outcome_of(error, resets=3, looped=True, erase_begun=True) == "INTERRUPTED", "the next run goes on"
    assert outcome_of(error, resets=3, looped=True, period_ms=250) == "NOT_FIRMWARE"
    assert outcome_of(error, resets=3, looped=True, period_ms=1_800) == "INTERRUPTED", "as a watchdog chip does"
    assert outcome_of(FlashError("write_protected", "WRPERR"), resets=1) == "LOCKED"


def test_a_supply_that_a_silent_chips_front_end_takes_away_is_gone_on_with() -> None:
    assert outcome_of(PowerError("brown-out", "v3v3"), silent=True) == "INTERRUPTED"
    assert outcome_of(PowerError("over-current", "too much"), silent=True) == "UNSAFE"


def test_silence_after_the_first_erase_is_the_wires_and_protection_never_is() -> None:
    assert outcome_of(WireError("no_ack", "silent"), erase_begun=True) == "CHECK_WIRES"
    assert outcome_of(FlashError("write_protected", "WRPERR"), disturbed=True) == "LOCKED"
    assert outcome_of(PowerError("over-current", "too much"), disturbed=True) == "UNSAFE"
    assert outcome_of(CardError("missing", "no card"), disturbed=True) == "TOOL_ERROR"


def test_tool_errors_are_never_counted_against_the_unit() -> None:
    assert not OUTCOMES["TOOL_ERROR"].counts_against_unit
    assert not OUTCOMES["CHECK_WIRES"].counts_against_unit
