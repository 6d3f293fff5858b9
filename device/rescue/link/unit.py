# What the modules in methods/ find on the bench: the supply, the connected chip. Loaded with the first that asks.

from rescue.engine import modules
from rescue.engine.common.power import Power
from rescuelink.errors import RescueError, TargetError


def power(bench):
    """The unit's supply, within the limits; made when it is first used, because limits take several KiB."""
    if bench.power is None:
        bench.power = Power(bench.ports, modules.load("rescuelink.limits").default_limits())
        for name in ("rescuelink.limits", "rescuelink.fields"):
            modules.drop(name)
    return bench.power


def connected(bench):
    """The Target. Raises TargetError when nothing is connected."""
    if bench.target is None:
        raise TargetError("not_connected", "no chip is connected", next_step="call target.connect")
    return bench.target


def known_chip(bench):
    """The chip's driver, made when first needed."""
    if bench.chip is None:
        bench.chip = modules.load("rescue.chips.stm32h7").Stm32H7(connected(bench), bench.ports.clock)
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


def note(bench, word, text):
    """A line in the helper's log."""
    modules.load("rescue.link.log").note(bench, word, text)
    modules.drop("rescue.link.log")
