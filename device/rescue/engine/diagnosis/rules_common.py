# What the rules of every table need.

from rescuelink.dead_rails import DEFAULT_ROLES

CERTAIN = "certain"
LIKELY = "likely"
UNDECIDED = "EXAMINED"  # how it ends where the helper sees too little for a verdict on the unit


def name_of(evidence, role):
    """The unit's rail of that role; None where it has none."""
    return (evidence["expected"].get("roles") or DEFAULT_ROLES).get(role)


def rail_of(evidence, role):
    """What was seen of it with the power on; None where it was not seen."""
    on = evidence.get("rails", {}).get("on") or {}
    return on.get(name_of(evidence, role))


def unseen(evidence, what):
    """Whether this helper had no wire to it."""
    return what in (evidence.get("unseen") or ())
