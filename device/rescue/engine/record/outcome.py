# From what happened to how the job ends: a pure function.

from rescuelink import outcomes
from rescuelink.errors import ConsentError, FlashError, PowerError, TargetError, WireError

# What the diagnosis heads for when it found nothing that stands in the way.
_WELL = (None, outcomes.RECOVERED, outcomes.NO_FAULT_FOUND)
_LOCKED_KINDS = ("write_protected", "read_protected", "execute_only", "secure")
_FEW_RESETS = 2  # nothing that comes again and again
WATCHDOG_MS = 900  # of the watchdog chips in use: 1.0 s at least, usually 1.6 s (docs/reference/unit.md#watchdog-chip)
_WIRE_KINDS = ("no_ack", "parity", "protocol")  # what no chip says by itself


def of_run(
    error,
    ends_as,
    proof,
    erase_begun,
    cured,
    check_config,
    disturbed=False,
    resets=0,
    unproven=False,
    looped=False,
    period_ms=None,
    silent=False,
):
    """The outcome's name.

    error: what stopped the run, or None. ends_as: where the diagnosis heads. proof: passed True/False, None if there
    was none. erase_begun: the flash has been touched. cured: everything planned was written and verified.
    check_config: the unit's own data was rewritten. disturbed: a transfer was damaged or lost in this run. resets: how
    often somebody else has reset the unit while it was worked on; looped: they were seen to come again and again;
    period_ms: how far apart, where there were several. silent: a front end takes the chip's supply away.
    unproven: the helper could not take the unit's power away, or not see it go.
    """
    if error is not None:
        if silent and error.kind == "brown-out":
            return outcomes.INTERRUPTED
        if error.kind == "other_unit":
            return outcomes.INTERRUPTED if erase_begun and not cured else outcomes.ABORTED
        if resets and is_by_reset(error) and (erase_begun or ends_as in _WELL):
            few = resets <= _FEW_RESETS and not looped
            # So slow that it may be a watchdog chip, which is in order: nobody serves it while the firmware stands.
            slow = period_ms is not None and period_ms >= WATCHDOG_MS
            again = few or slow or (erase_begun and not cured)
            return outcomes.INTERRUPTED if again else outcomes.NOT_FIRMWARE
        if _is_the_wires(error, disturbed) and (erase_begun or ends_as in _WELL):
            return outcomes.CHECK_WIRES  # the journal stays: the next run goes on
        if erase_begun and not cured and not isinstance(error, FlashError):
            return outcomes.INTERRUPTED
        if isinstance(error, (WireError, TargetError)) and ends_as not in _WELL:
            return ends_as
        return _of_error(error)
    if proof is None:
        return ends_as or outcomes.TOOL_ERROR
    if not proof:
        return outcomes.NOT_FIRMWARE
    if unproven:
        return outcomes.VERIFIED_UNPROVEN
    return outcomes.RECOVERED_CHECK_CONFIG if check_config else outcomes.RECOVERED


def is_by_reset(error):
    """Whether a reset by somebody else explains what stopped the run."""
    return isinstance(error, (WireError, TargetError, FlashError)) and error.kind not in _LOCKED_KINDS


def _is_the_wires(error, disturbed):
    # Once a transfer was disturbed, nothing that came over these wires says that the chip or its flash is bad.
    if isinstance(error, FlashError):
        return disturbed and error.kind not in _LOCKED_KINDS
    if isinstance(error, PowerError):
        return disturbed and error.kind == "max-time"  # so slow a wire that the work does not come to its end
    if isinstance(error, WireError):
        return disturbed or error.kind in _WIRE_KINDS
    return disturbed and isinstance(error, TargetError)


def _of_error(error):
    if error.kind == "aborted":
        return outcomes.ABORTED
    if isinstance(error, PowerError):
        return outcomes.ABORTED if error.kind == "no_switch" else outcomes.UNSAFE
    if isinstance(error, ConsentError):
        return outcomes.LOCKED
    if isinstance(error, FlashError):
        return outcomes.LOCKED if error.kind in _LOCKED_KINDS else outcomes.NOT_FIRMWARE
    if isinstance(error, (WireError, TargetError)):
        return outcomes.NOT_FIRMWARE
    return outcomes.TOOL_ERROR  # the card, the job, or ourselves
