# Is the chip still the one that was examined?

from rescue.engine import modules
from rescuelink.errors import TargetError

_READS = 3


def check_unit(run):
    """Raises TargetError("other_unit") where another chip answers than the one that was examined."""
    known = run.evidence.get("chip")
    if known is None or run.chip is None:
        return
    for _ in range(_READS):
        found = run.chip.identity()["uid"]
        if found == known["uid"] and run.target.dp.dpidr == run.target.dpidr:
            modules.drop("rescue.chips.stm32h7.identity")
            return
    if found == known["uid"]:
        found = "the same unique number, but another debug port"
    message = "another chip answers than the one that was examined (%s, not %s)" % (found, known["uid"])
    raise TargetError("other_unit", message, next_step="leave one unit connected from beginning to end")
