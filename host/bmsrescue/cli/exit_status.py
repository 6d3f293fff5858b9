"""Exit status: 0 well, 1 the unit or the work did not end well, 2 used wrongly, 3 trouble with a helper or its link.

A job's outcome has its own class, 0, 1 or 4 (`rescuelink.outcomes`).
"""

from bmsrescue.errors import HostError, UsageError
from rescuelink.errors import LinkError, RescueError

WELL = 0
NOT_WELL = 1
USAGE = 2
HELPER = 3

_USAGE_KINDS = ("bad_params", "bad_value", "flash", "unknown_method")
_NOT_WELL_KINDS = ("cancelled", "host_disk")


def status_of(error: HostError | RescueError) -> int:
    """The exit status that tells of `error`."""
    if isinstance(error, UsageError) or (isinstance(error, LinkError) and error.kind in _USAGE_KINDS):
        return USAGE
    if isinstance(error, LinkError) and error.kind not in _NOT_WELL_KINDS:
        return HELPER
    return NOT_WELL
