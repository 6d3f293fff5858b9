# core.*: the target's Cortex-M.

from rescue.link.unit import connected
from rescuelink.errors import LinkError

_MAX_REGISTER = 127


def state(bench):
    """{"state": "running", "halted", "lockup", "sleeping" or "reset", and the fault registers}"""
    core = connected(bench).core
    found = {"state": core.state()}
    found.update(core.faults())
    return found


def halt(bench):
    """Halt the core. Raises TargetError when it does not."""
    connected(bench).core.halt()


def resume(bench):
    """Let a halted core run."""
    connected(bench).core.resume()


def step(bench):
    """One instruction of a halted core, interrupts masked."""
    connected(bench).core.step()


def reset(bench):
    """System reset, halted before the first instruction."""
    connected(bench).core.reset_halt()


def register(bench, number, value=None):
    """A core register by its DCRSR number: read, or written when `value` is given. The core must be halted."""
    if number > _MAX_REGISTER:
        raise LinkError("bad_params", "DCRSR numbers go to %d" % _MAX_REGISTER)
    core = connected(bench).core
    if value is None:
        return core.read_core(number)
    core.write_core(number, value)
    return value


def samples(bench, count):
    """Up to 256 program counters of the running core."""
    return connected(bench).core.pc_samples(max(1, min(count, 256)))


def clock(bench, window_ms):
    """Core clock in Hz, measured over at most 1 s."""
    return connected(bench).core.cycles_hz(max(10, min(window_ms, 1000)))


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
