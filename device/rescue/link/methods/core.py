# core.*: the target's Cortex-M.

from rescue.debug import cortex_m_watch
from rescue.link.unit import connected
from rescuelink.errors import LinkError

_MAX_REGISTER = 127


def state(work):
    """{"state": "running", "halted", "lockup", "sleeping" or "reset", and the fault registers}"""
    core = connected(work).core
    found = {"state": core.state()}
    found.update(cortex_m_watch.faults(core.ap))
    return found


def halt(work):
    """Halt the core. Raises TargetError when it does not."""
    connected(work).core.halt()


def resume(work):
    """Let a halted core run."""
    connected(work).core.resume()


def step(work):
    """One instruction of a halted core, interrupts masked."""
    connected(work).core.step()


def reset(work):
    """System reset, halted before the first instruction."""
    connected(work).core.reset_halt()


def register(work, number, value=None):
    """A core register by its DCRSR number: read, or written when `value` is given. The core must be halted."""
    if number > _MAX_REGISTER:
        raise LinkError("bad_params", "DCRSR numbers go to %d" % _MAX_REGISTER)
    core = connected(work).core
    if value is None:
        return core.read_core(number)
    core.write_core(number, value)
    return value


def samples(work, count):
    """Up to 256 program counters of the running core."""
    return cortex_m_watch.pc_samples(connected(work).core, max(1, min(count, 256)))


def clock(work, window_ms):
    """Core clock in Hz, measured over at most 1 s."""
    return cortex_m_watch.cycles_hz(connected(work).core, max(10, min(window_ms, 1000)))


CALLS = {
    "state": (state, ""),
    "halt": (halt, ""),
    "resume": (resume, ""),
    "step": (step, ""),
    "reset": (reset, ""),
    "register": (register, "i?i"),
    "samples": (samples, "i"),
    "clock": (clock, "i"),
}
