# What a core does over time, without stopping it: where it is, whether it sleeps, is reset, or takes interrupts.
#
# One program counter says little: a core that waits for ever for a crystal has one, too. So it is watched until it has
# been seen in two places further apart than a loop of a few instructions is long, or until the time is over.

from micropython import const

from rescue.debug import cortex_m_registers as cm
from rescuelink.errors import RescueError

_NO_SAMPLE = const(0xFFFFFFFF)
_LOOP_BYTES = const(64)
_LEAST_MS = const(20)
_FAULT_MS = const(50)  # a handler that ends by itself, or resets the chip, has done so by then
_ROM_MS = const(100)  # the system bootloader is no application, whatever it does
_ROM = const(0x1FF00000)
_ROM_END = const(0x1FF20000)
_ASLEEP_MS = const(500)
_DENSE_MS = const(150)  # sampled without a pause for so long, then each 3 to 7 ms: in step with no firmware's tick
_PAUSE_MS = const(3)
_PAUSES = const(5)
_TOGETHER = const(4)
_KEPT = const(16)
_PLACES = const(64)
_PATIENT_MS = const(6000)  # a loop of several instructions may count, and end: delays of seconds are written so
_RARE_MS = const(1000)  # and is then looked at less often
_REST_MS = const(20)
_BRANCH_TO_SELF = const(0xE7FE)
_NMI = const(2)
_USAGE_FAULT = const(6)


def watch(core, limit_ms, patient=False):
    """{"ms", "samples", "asleep", "low", "high": of the program counters seen, "places": how many different ones,
    "resets": how often the core was reset meanwhile, "exceptions": numbers of those seen active, "entries": whether
    exceptions were taken, "armed": whether anything is enabled that can interrupt, "pc_samples": some of the samples}

    Ends early with a core that plainly runs or plainly stays in a fault handler. patient: a loop that may count, with
    nothing else that it could wait for, is watched for longer.
    """
    ap, clock = core.ap, core.clock
    demcr = ap.read32(cm.DEMCR)
    if not demcr & cm.TRCENA:
        core.write(cm.DEMCR, demcr | cm.TRCENA)
    core.write(cm.DWT_CTRL, ap.read32(cm.DWT_CTRL) | cm.DWT_EXCEVTENA)
    ap.read32(cm.DHCSR)  # clears an old S_RESET_ST
    first_count = ap.read32(cm.DWT_EXCCNT)
    places, exceptions, kept = set(), set(), []
    samples = asleep = resets = 0
    low, high = _NO_SAMPLE, 0
    entries = False
    start = clock.ms()
    while True:
        for _ in range(_TOGETHER):
            pc = ap.read32(cm.DWT_PCSR)
            samples += 1
            if len(kept) < _KEPT:
                kept.append(pc)
            if pc == _NO_SAMPLE:
                asleep += 1
                continue
            if len(places) < _PLACES:
                places.add(pc)
            low, high = min(low, pc), max(high, pc)
        if ap.read32(cm.DHCSR) & cm.S_RESET_ST:
            resets += 1
        exceptions.add(ap.read32(cm.ICSR) & cm.VECTACTIVE)
        entries = entries or ap.read32(cm.DWT_EXCCNT) != first_count
        elapsed = clock.since_ms(start)
        if elapsed >= limit_ms and patient:
            patient = False
            if places and not asleep and not entries and 0 in exceptions and not _closed(ap, low):
                limit_ms = _PATIENT_MS
        if elapsed >= limit_ms or resets:
            break
        faulted = len(exceptions) == 1 and _NMI <= min(exceptions) <= _USAGE_FAULT
        if faulted:
            if elapsed >= _FAULT_MS:
                break
        elif elapsed >= _LEAST_MS and (high > low + _LOOP_BYTES or (asleep and entries)):
            break
        if elapsed >= _ROM_MS and low >= _ROM and high < _ROM_END:
            break
        if asleep == samples and elapsed >= _ASLEEP_MS:
            break
        if elapsed >= _DENSE_MS:
            clock.feed()
            rest = _REST_MS if elapsed >= _RARE_MS else 0
            clock.sleep_ms(rest + _PAUSE_MS + samples // _TOGETHER % _PAUSES)
    core.write(cm.DWT_CTRL, ap.read32(cm.DWT_CTRL) & ~cm.DWT_EXCEVTENA)
    seen = bool(places)
    return {
        "ms": elapsed,
        "samples": samples,
        "asleep": asleep,
        "low": low if seen else None,
        "high": high if seen else None,
        "places": len(places),
        "resets": resets,
        "exceptions": sorted(exceptions),
        "entries": entries,
        "armed": _armed(ap),
        "pc_samples": kept,
    }


def _closed(ap, pc):
    # A branch to itself ends by nothing but an interrupt.
    try:
        return ap.read32(pc & ~3) >> (pc & 2) * 8 & 0xFFFF == _BRANCH_TO_SELF
    except RescueError:
        return False


def _armed(ap):
    # Whether an interrupt of the NVIC or the tick is enabled: nothing else ends a sleep or leaves a closed loop.
    if ap.read32(cm.SYST_CSR) & cm.SYST_TICKS == cm.SYST_TICKS:
        return True
    enabled = 0
    for index in range(cm.NVIC_ISERS):
        enabled |= ap.read32(cm.NVIC_ISER + 4 * index)
    return enabled != 0
