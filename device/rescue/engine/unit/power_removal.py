# What is said of a removal of the power: only what this helper has seen. The chip's own supply (that of its pins or of
# its core) has to be seen to fall: a unit whose input has gone may be fed from elsewhere.

from rescuelink.dead_rails import CORE, LOGIC, off_mv

_NO_SWITCH = "this helper has no power switch"
_NOBODY = _NO_SWITCH + ", and nobody has switched it by hand"
_SILENT = "the power was away: the debug port went silent, and answered again"
_NOT_SEEN = "neither the chip's supply nor its core's is seen by this helper"


def line(power):
    """The proof's first line: the rails that were up, fell below their limits and came up; "" if none was seen."""
    limits, hands = power.limits, power.ports.hands
    fell = ["%s below %d mV" % (name, off_mv(limits.role_of(name), limits.discharged_mv)) for name in power.fell]
    if not [name for name in power.fell if limits.role_of(name) in (LOGIC, CORE)]:
        return _SILENT if hands is not None and hands.silent and power.can_switch() else ""
    unseen = power.unseen()
    text = "all rails" if not unseen else "rails"
    text = "the power was away: %s fell (%s), then came up" % (text, ", ".join(fell))
    return text + "; not seen by this helper: " + ", ".join(unseen) if unseen else text


def why_not(power):
    """Why no removal of the power can be proven here; "" where it can."""
    if not power.can_switch():
        return _NO_SWITCH if power.ports.hands is None else _NOBODY
    if power.by_hand():
        return ""  # what will be seen of it shows when it is done
    return _NOT_SEEN if power.seen(LOGIC) is None and power.seen(CORE) is None else ""
