# probe.*: the helper as a CMSIS-DAP probe, beside this link (docs/cmsis-dap.md).

from rescue.dap import mode
from rescue.link.log import note
from rescue.link.unit import power
from rescuelink.errors import Stopped


def run(work):
    """Judge the unit's 3.3 V, switch it on, and answer a debugger until "cancel". The unit is off afterwards.

    {"why": what ended it: "cancelled", "host lost" (the debugger's), "silent"}. Raises PowerError without a steady
    3.3 V and where a limit is broken, TargetError (no_probe).
    """
    work.make_safe()
    supply = power(work)
    mode.begin(work.ports, supply)
    note(work, "probe", "on")
    if work.app is not None:
        work.app.screen.tell(mode.TITLE, mode.ON)
    try:
        why = mode.serve(work.ports, supply, lambda connected: _turn(work, connected))
    except Stopped as stopped:
        if stopped.kind != "cancelled":
            raise
        why = stopped.kind
    finally:
        work.make_safe()
    note(work, "probe", why)
    return {"why": why}


def _turn(work, connected):
    mode.glow(work.ports, connected)


CALLS = {"run": (run, "")}
