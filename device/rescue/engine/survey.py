# Step "backup": the sector map and, if something is wrong, the backup, in one pass over the flash.
#
# From here on the core is halted after a reset. Sectors that a CRC explains are not read at all: a backup takes a blank
# sector as blank and a matching one from the image on the card, which is equal to it by CRC. A unit with nothing to
# cure gets no backup, because nothing will be erased.

import binascii

from rescue.engine import files, golden, image, modules, wiring
from rescue.engine.backup import Backup
from rescue.engine.sectors import SectorMap
from rescuelink.errors import CardError, ConsentError, RescueError

_ATTACH = "attach"  # rescue.debug.connect.ATTACH, which has left the heap by now
_VERSION_BYTES = 16


def survey(run):
    run.evidence["wiring"] = {"nrst": _nrst_follows(run)}
    if not run.evidence["wiring"]["nrst"]:
        return  # named by the diagnosis, which comes next
    run.target.core.reset_halt()
    run.chip.freeze_watchdogs()
    sector_map = SectorMap(run.chip, run.image, run.job)
    run.evidence["sectors"] = sector_map.sectors
    _read_version(run)
    sector_map.look_by_crc(run.progress_in("compare", "sectors"))
    backup = None
    if _something_is_wrong(sector_map.sectors, run.job):
        backup = _open_backup(run)
    if backup is None:
        _test_latch(run, sector_map)
        for sector in sector_map.to_read():
            sector_map.read(sector, None, run.progress_in_bytes("read sector %d" % sector["index"]))
        return
    try:
        _read_into(run, sector_map, backup)
    except CardError as error:
        backup.abandon()
        run.backup_error = error
        run.image.close()
        for sector in sector_map.to_read():
            sector_map.read(sector, None, run.progress_in_bytes("read sector %d" % sector["index"]))
        return
    except RescueError:
        backup.abandon()
        raise
    run.backup = backup.to_dict()


def _nrst_follows(run):
    # A chip that was reached through its reset has shown it, and is halted before its first instruction: another reset
    # would let its firmware run, which may close SWD or take the core supply away.
    return run.evidence["swd"]["how"] != _ATTACH or wiring.nrst_follows(run.ports)


def _test_latch(run, sector_map):
    # Only a unit with nothing to cure is switched off for it: the test costs the chip its power.
    if run.job.latch is None or run.resumed is not None or sector_map.to_read() or run.backup_error is not None:
        return
    if not golden.differing(run.evidence["options"], run.job.options):
        modules.load("rescue.engine.latch").test(run)


def _read_version(run):
    # Before the map, because a version says something only where it can be read at all.
    at = run.job.image.version_address
    text = bytearray(_VERSION_BYTES)
    if not at or run.chip.flash.read(at, text):
        return
    found = bytes(text).split(b"\x00")[0]
    if found and all(0x20 < byte < 0x7F for byte in found):
        run.evidence["version"] = {"address": at, "found": found.decode(), "wanted": run.job.image.version}


def _something_is_wrong(sectors, job):
    return job.mode == "rewrite" or any(
        sector["state"] is None or (sector["owned"] and sector["state"] != "match") for sector in sectors
    )


def _open_backup(run):
    # A card that cannot take the backup must not keep the unit from being diagnosed: the act will refuse instead.
    uid = run.evidence["chip"]["uid"]
    try:
        return Backup(run.ports.card, uid, run.sequence(), run.chip.flash.size)
    except CardError as error:
        run.backup_error = error
        return None


def _read_into(run, sector_map, backup):
    progress = run.progress_in_bytes("backup")
    done = 0
    total = run.chip.flash.size
    for sector in sector_map.sectors:
        state = sector["state"]
        if state is None:
            sector_map.read(sector, backup.add, lambda at, _size, base=done: progress(base + at, total))
        else:
            crc = 0
            for at in range(0, sector["size"], files.CHUNK):
                _known_chunk(run, sector["address"] + at, state)
                crc = binascii.crc32(files.view, crc)
                backup.add(files.view)
                progress(done + at + files.CHUNK, total)
            sector_map.confirm(sector, crc)
        done += sector["size"]
        run.power.check()
    run.image.close()  # the card is unmounted and mounted again
    facts = {
        "uid": run.evidence["chip"]["uid"],
        "job": run.job.name,
        "address": run.chip.flash.base,
        "torn": [address for sector in sector_map.sectors for address in sector["torn"]],
        "sectors": [[s["index"], s["state"]] for s in sector_map.sectors],
    }
    backup.finish(facts, run.progress_in_bytes("check backup"))


def _known_chunk(run, address, state):
    if state == "blank":
        image.fill_blank(files.view)
    elif state == "match":
        run.image.fill(address, files.view)
    elif run.chip.flash.read(address, files.view):
        raise ConsentError("torn", "a flash word broke while it was being read", address)
