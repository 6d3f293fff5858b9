# Step "map": the reset wire, the sector map, and whatever else only a halted core can tell. Nothing is changed.
#
# From here on the core is halted after a reset.

from rescue.engine.common import guarded, option_values
from rescue.engine.survey.sectors import SectorMap
from rescue.engine.unit import wiring
from rescue.hal.ports import wait_for_nrst

_ATTACH = "attach"  # rescue.debug.connect.ATTACH, which has left the heap by now
_VERSION_BYTES = 16


def survey(run):
    follows = _nrst_follows(run)
    if follows is not None:
        run.evidence["wiring"]["nrst"] = follows
    if follows is False:
        return  # named by the diagnosis, which comes next
    run.resets.begin(run.target.core)
    run.target.core.reset_halt()
    run.chip.freeze_watchdogs()
    closed = guarded.areas(run.evidence["options"])
    sector_map = SectorMap(run.chip, run.image, run.job, closed, run.power.check, run.disturbances)
    run.evidence["sectors"] = sector_map.sectors
    _remember(run)
    if run.job.bootloader is not None or run.evidence["options"]["boot_add0"] != run.job.boot_address:
        from rescue.engine.unit import bootloader

        bootloader.look(run)
    if run.evidence["options"]["swap_bank"] and run.image is not None:
        _look_behind(run)
    _read_version(run)
    if run.job.markers:
        from rescue.engine.unit import marker

        marker.look(run)
    sector_map.look(run.progress_in("compare", "sectors"))
    if run.image is None:
        from rescue.engine.survey import firmware

        firmware.look(run, sector_map.used)
    elif (run.evidence.get("marker") or {}).get("found") != "ours":
        from rescue.engine.survey import likeness

        likeness.look(run)
    run.chip.flash.drop_reader()
    if _is_in_order(run):
        _watch_for_resets(run)
        _test_latch(run)


def _look_behind(run):
    # What would be started at the boot address, were the banks not swapped.
    flash, boot = run.chip.flash, run.job.boot_address
    half = flash.size // 2
    at = boot + half if boot < flash.base + half else boot - half
    if guarded.reads(flash, at, bytearray(8)):
        run.evidence["other_bank"] = flash.vectors(at)
        run.evidence["other_bank"]["address"] = at


def _is_in_order(run):
    # Whether writing has nothing to do, as far as the flash and the option bytes say.
    if run.resumed is not None or run.job.mode == "rewrite":
        return False
    for sector in run.evidence["sectors"]:
        if sector["state"] == "torn" or (sector["owned"] and sector["state"] != "match"):
            return False
    return not option_values.differing(run.evidence["options"], run.job.options)


def _watch_for_resets(run):
    # A unit that may be called good is let go, and watched for a reset that comes seldom.
    nrst = run.evidence.get("nrst")
    if nrst is None or not run.evidence.get("core") or run.resets.silent_ms is not None:
        return
    from rescue.engine.unit import nrst_watch, running

    if nrst["edges"] >= nrst_watch.LOOP_EDGES or running.why_not(run.evidence)[0]:
        return
    run.say("resets")
    core, ports = run.target.core, run.ports
    core.release(True)
    wait_for_nrst(ports)
    ports.lines.nrst_edges()  # that one was ours
    nrst.update(nrst_watch.watch_on(run, ports.clock.ms()))
    wait_for_nrst(ports)
    core.reset_halt()
    run.chip.freeze_watchdogs()
    run.chip.digest.forget()  # the firmware has used that RAM since
    run.resets.again(core)


def _remember(run):
    # What a run that was cut on this very chip had begun under consent belongs to the findings of this one.
    resumed, evidence = run.resumed, run.evidence
    if resumed is None:
        return
    if resumed["regressed"]:
        evidence["regressed"] = True
    for sector in evidence["sectors"]:
        for at in resumed["doubt"]:
            if (sector["index"] == at or resumed["restore"]) and not sector["owned"]:
                evidence["unfinished"] = sector["index"]


def _nrst_follows(run):
    # A chip that was reached through its reset has shown it, and is halted before its first instruction: another reset
    # would let its firmware run, which may close SWD or take the core supply away.
    if run.evidence["swd"]["how"] != _ATTACH:
        return True
    follows, run.evidence["rails"]["reset_ma"] = wiring.nrst_follows(run.ports)
    return follows


def _test_latch(run):
    # Only a unit with nothing to cure is switched off for it: the test costs the chip its power.
    if run.job.latch is None or "bootloader" in run.evidence:
        return
    run.note_resets()
    run.resets.end()
    from rescue.engine.unit import latch

    latch.test(run)


def _read_version(run):
    # Before the map, because a version says something only where it can be read at all.
    at = run.job.image.version_address
    text = bytearray(_VERSION_BYTES)
    if not at or not guarded.reads(run.chip.flash, at, text):
        return
    found = bytes(text).split(b"\x00")[0]
    if found and all(0x20 < byte < 0x7F for byte in found):
        run.evidence["version"] = {"address": at, "found": found.decode(), "wanted": run.job.image.version}
