# What is said of a removal of the power: only what this helper has seen.

from rescue.engine.common.power import RAILS
from rescuelink.dead_rails import off_mv


def line(power):
    """The proof's first line: the rails that were up, fell below their limits and came up; "" if none was seen."""
    fell = ["%s below %d mV" % (name, off_mv(name, power.limits.discharged_mv)) for name in power.fell]
    if not fell:
        return ""
    unseen = [name for name in RAILS if name not in power.ports.rails.names]
    text = "all rails" if not unseen else "rails"
    text = "the power was away: %s fell (%s), then came up" % (text, ", ".join(fell))
    return text + "; not seen by this helper: " + ", ".join(unseen) if unseen else text
