# What the modules in methods/ work with: the unit's supply, the connected chip. Loaded with the first that asks.

from rescue.engine.power import Power
from rescue.link.log import note
from rescuelink.errors import RescueError, TargetError


def power(work):
    """The unit's supply, within the limits; made when it is first used, because limits take several KiB."""
    if work.power is None:
        from rescuelink.limits import default_limits

        work.power = Power(work.ports, default_limits())
    return work.power


def connected(work):
    """The Target. Raises TargetError when nothing is connected."""
    if work.target is None:
        raise TargetError("not_connected", "no chip is connected", next_step="call target.connect")
    return work.target


def known_chip(work):
    """The chip's driver, made when first needed."""
    if work.chip is None:
        target = connected(work)
        work.chip = target.family.open_chip(target, work.ports.clock)
    return work.chip


def change(work, what, operation, *facts):
    """Carry out what changes the chip for good. How it went is told, and stands in the helper's log.

    What has begun is finished before a "cancel" counts: half of it would be a torn sector.
    """
    outcome = "cut short"
    work.steady = True
    try:
        operation(*facts)
        outcome = "done"
    except RescueError as error:
        outcome = error.kind
        raise
    finally:
        work.steady = False
        note(work, "change", what + ": " + outcome)
        work.tell("change", {"what": what, "outcome": outcome})
