# From what happened to how the job ends: a pure function.

from rescuelink import outcomes
from rescuelink.errors import ConsentError, FlashError, PowerError, TargetError, WireError

# What the diagnosis heads for when it found nothing that stands in the way.
_WELL = (None, outcomes.RECOVERED, outcomes.NO_FAULT_FOUND)
_LOCKED_KINDS = ("write_protected", "read_protected", "secure")


def judge(error, ends_as, proof, erase_begun, cured, check_config):
    """The outcome's name.

    error: what stopped the run, or None. ends_as: where the diagnosis heads. proof: passed True/False, None if there
    was none. erase_begun: the flash has been touched. cured: everything planned was written and verified.
    check_config: the unit's own data was rewritten.
    """
    if error is not None:
        if erase_begun and not cured and not isinstance(error, FlashError):
            return outcomes.INTERRUPTED
        if isinstance(error, (WireError, TargetError)) and ends_as not in _WELL:
            return ends_as
        return _of_error(error)
    if proof is None:
        return ends_as or outcomes.TOOL_ERROR
    if not proof:
        return outcomes.NOT_FIRMWARE
    return outcomes.RECOVERED_CHECK_CONFIG if check_config else outcomes.RECOVERED


def _of_error(error):
    if error.kind == "aborted":
        return outcomes.ABORTED
    if isinstance(error, PowerError):
        return outcomes.UNSAFE
    if isinstance(error, ConsentError):
        return outcomes.LOCKED
    if isinstance(error, FlashError):
        return outcomes.LOCKED if error.kind in _LOCKED_KINDS else outcomes.NOT_FIRMWARE
    if isinstance(error, (WireError, TargetError)):
        return outcomes.NOT_FIRMWARE
    return outcomes.TOOL_ERROR  # the card, the job, or ourselves
