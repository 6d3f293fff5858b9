# What the modules in methods/ find on the bench: the supply, the connected chip. Loaded with the first that asks.

from rescue.engine.common.power import Power
from rescue.link.log import note
from rescuelink.errors import RescueError, TargetError


def power(bench):
    """The unit's supply, within the limits; made when it is first used, because limits take several KiB."""
    if bench.power is None:
        from rescuelink.limits import default_limits

        bench.power = Power(bench.ports, default_limits())
    return bench.power


def connected(bench):
    """The Target. Raises TargetError when nothing is connected."""
    if bench.target is None:
        raise TargetError("not_connected", "no chip is connected", next_step="call target.connect")
    return bench.target


def known_chip(bench):
    """The chip's driver, made when first needed."""
    if bench.chip is None:
        target = connected(bench)
        bench.chip = target.family.open_chip(target, bench.ports.clock)
    return bench.chip


def change(bench, what, operation, *facts):
    """Carry out what changes the chip for good. How it went is told, and stands in the helper's log.

    What has begun is finished before a "cancel" counts: half of it would be a torn sector.
    """
    outcome = "cut short"
    bench.steady = True
    try:
        operation(*facts)
        outcome = "done"
    except RescueError as error:
        outcome = error.kind
        raise
    finally:
        bench.steady = False
        note(bench, "change", what + ": " + outcome)
        bench.tell("change", {"what": what, "outcome": outcome})
