# Watching a Cortex-M core without stopping it: where it is, how fast it is, what it complains of. DDI 0403E B3.2, C1.8.

from rescue.debug import cortex_m_registers as cm


def pc_samples(core, count):
    """`count` program counters of the running core; 0xFFFFFFFF where it was halted, asleep or in reset."""
    _trace_on(core)
    return [core.ap.read32(cm.DWT_PCSR) for _ in range(count)]


def cycles_hz(core, window_ms):
    """Core clock in Hz, from CYCCNT over `window_ms` of the helper's own time; 0 if the core does not count.

    Good to some per cent for a window of 20 ms and more. A core clock of 550 MHz wraps the counter after 7.8 s.
    """
    _trace_on(core)
    control = core.ap.read32(cm.DWT_CTRL)
    core.write(cm.DWT_CTRL, control | cm.DWT_CYCCNTENA)
    began_us = core.clock.us()
    first = core.ap.read32(cm.DWT_CYCCNT)
    core.clock.sleep_ms(window_ms)
    elapsed_us = core.clock.us() - began_us & 0x3FFFFFFF
    last = core.ap.read32(cm.DWT_CYCCNT)
    core.write(cm.DWT_CTRL, control)
    if not elapsed_us:
        return 0
    return (last - first & 0xFFFFFFFF) * 1000000 // elapsed_us


def faults(ap):
    """The fault registers as they are, with the names of the set flags; addresses are None where not valid.

    exception: the number of the one being handled (Armv7-M B1.5.2), 0 in thread mode.
    """
    cfsr = ap.read32(cm.CFSR)
    hfsr = ap.read32(cm.HFSR)
    flags = [name for bit, name in cm.CFSR_FLAGS if cfsr & bit]
    flags += [name for bit, name in cm.HFSR_FLAGS if hfsr & bit]
    return {
        "cfsr": cfsr,
        "hfsr": hfsr,
        "bfar": ap.read32(cm.BFAR) if cfsr & cm.CFSR_BFARVALID else None,
        "mmfar": ap.read32(cm.MMFAR) if cfsr & cm.CFSR_MMARVALID else None,
        "flags": flags,
        "exception": ap.read32(cm.ICSR) & cm.VECTACTIVE,
    }


def _trace_on(core):
    demcr = core.ap.read32(cm.DEMCR)
    if not demcr & cm.TRCENA:
        core.write(cm.DEMCR, demcr | cm.TRCENA)
