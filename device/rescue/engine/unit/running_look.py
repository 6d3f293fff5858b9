# Looks at a running unit as running.py judges it: core, clocks and watchdog, nothing stopped and nothing changed.

from rescue.debug import cortex_m_registers as cm
from rescue.debug import cortex_m_watch, cortex_m_watch_run
from rescue.engine.unit import running
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import WireError

_CLOCK_WINDOW_MS = 20
_CRYSTAL_MS = 1000  # a slow one takes hundreds of ms
_LOOP_MS = 1500  # a core that seems to stay in one loop is watched for so long
_WAITED_MS = 400  # for so long where its crystal has been waited for
_LOOK_MS = 20
_HSE = "HSE"
_LSE_MS = 5500  # 2 s at most, and common firmware gives up after 5 (docs/reference/chip.md#clocks)
_MARGIN_MS = 100
_OTHER_MS = 1000  # the window watchdog's period is some ms, and nobody knows what a unit does between two bites
_STEP_MS = 50
_START_MS = 300  # firmware's own start, up to where it sets its clocks


def is_left_halted(core):
    """Whether a debugger has left the core halted. Nothing else halts one, and nobody else takes that back: a unit that
    keeps its power stays so when a helper or a probe loses its own in the middle of its work."""
    try:
        return core.state() == "halted"
    except WireError:
        return False  # whoever reads the core next says why


def start_anew(ports, target):
    """Such a core starts from its reset, as without a debugger, so that what is seen next is its firmware's doing."""
    target.core.reset_halt()
    target.core.release()
    wait_for_nrst(ports)
    target.core.clock.sleep_ms(_START_MS)
    target.family.prepare(target)
    if ports.sees_nrst():
        ports.lines.nrst_edges()  # that edge was ours


def core(core, found_clocks, hurried=False):
    """evidence["core"]: state, some program counters, clock, fault registers, and what it did over time."""
    waited = found_clocks is not None and _HSE in found_clocks["missing"]
    limit_ms = _WAITED_MS if waited or hurried else _LOOP_MS
    found = {"state": core.state(), "pc_samples": [], "clock_hz": 0}
    runs = found["state"] in ("running", "sleeping")
    patient = runs and not hurried and not (found_clocks and found_clocks["missing"])
    activity = cortex_m_watch_run.watch(core, limit_ms if runs else 0, patient)
    found["pc_samples"] = activity.pop("pc_samples")
    found["activity"] = activity
    found["clock_hz"] = cortex_m_watch.cycles_hz(core, _CLOCK_WINDOW_MS)
    found.update(cortex_m_watch.faults(core.ap))
    return found


def clocks(target, clock):
    """evidence["clocks"]. A crystal that was asked for and does not run yet gets its time."""
    start = clock.ms()
    while True:
        found = target.family.clocks(target.ap0)
        missing = found["missing"]
        limit_ms = _CRYSTAL_MS if _HSE in missing else _LSE_MS if running.LSE in missing else 0
        if clock.since_ms(start) >= limit_ms:
            return found
        clock.feed()
        clock.sleep_ms(_LOOK_MS)


def watch_resets(run, target, found, period_ms):
    """Nobody touches the unit for longer than the watchdog's period. Adds to found["nrst"] and found["core"]."""
    ports, core = run.ports, target.core
    window_ms = period_ms + period_ms // 4 + _MARGIN_MS  # the watchdog's oscillator is no better than that
    powered_ms = ports.clock.since_ms(run.power.started_ms)
    if period_ms > powered_ms:
        window_ms -= powered_ms  # its first bite is still to come
    core.ap.read32(cm.DHCSR)
    ports.lines.nrst_edges()
    start = ports.clock.ms()
    resets = 0
    lost = None
    while ports.clock.since_ms(start) < window_ms:
        run.power.check()
        ports.clock.sleep_ms(_STEP_MS)
        try:
            resets += 1 if core.ap.read32(cm.DHCSR) & cm.S_RESET_ST else 0
            lost = None
        except WireError as error:
            if error.kind == "fault":
                raise
            lost = error  # a contact comes and goes; what the core has seen meanwhile it still says afterwards
    if lost is not None:
        raise lost
    if ports.sees_nrst():  # else the resets that the core has seen are all that there is
        edges = ports.lines.nrst_edges()
        found["nrst"] = {"level": 1 if ports.lines.nrst_level() else 0, "edges": edges, "window_ms": window_ms}
    if found.get("core"):
        found["core"]["activity"]["resets"] += resets
        found["core"]["activity"]["ms"] += window_ms


def period_of(found, also_software, hardware=False):
    """How long a watchdog may take that has to be waited for, in ms; 0 where nothing says that there is one.

    hardware: the option bytes start one, as was seen before.
    """
    dog = found.get("watchdog")
    period_ms = 0
    hardware = hardware or (found.get("options") or {}).get("iwdg_hardware")
    if dog is not None and (hardware or (also_software and dog["set"])):
        period_ms = dog["period_ms"]
    for name in running.watchdog_has_bitten(found):
        known = dog is not None and name.startswith("IWDG")
        period_ms = max(period_ms, dog["period_ms"] if known else _OTHER_MS)
    return period_ms
