# Step "backup": everything readable, on the card, before the first erase: backups/<uid>-<sequence>.bin and a map of it.
#
# The file is as long as the flash. Torn words and sectors that nobody may read are 0xFF in it and listed in the map.
# Blank and matching sectors do not come over the wire: the core's CRC has said that they equal 0xFF, or the image on
# the card. It counts as a backup only after the card was unmounted, mounted again, and each sector of the file has the
# CRC that was sent.

import binascii
import hashlib
import json

from micropython import const

from rescue.engine import files, guarded, image
from rescue.engine.source import FROM_BACKUP
from rescuelink.errors import CardError, ConsentError, WireError

_SPARE_BYTES = const(256 * 1024)  # left free for records and the journal


def keep(run):
    """Sets run.backup = {"file", "sha256", "bytes", "verified"}. Raises CardError, WireError."""
    size = run.chip.flash.size
    card = run.ports.card
    if run.resumed is not None and _take_earlier(run):
        return
    if run.plan["restore"]:
        raise CardError(
            "backup",
            "what this chip held is in the backup of the run that was cut, which is not on this card",
            next_step="put the card of that run back and start again",
        )
    uid = run.evidence["chip"]["uid"]
    files.make_directory(card.root + "/backups")
    free = card.free_bytes()
    if free < size + _SPARE_BYTES:
        raise CardError(
            "full",
            "the card is too full for a backup: it needs %d KiB, %d KiB are free"
            % ((size + _SPARE_BYTES) // 1024, free // 1024),
            next_step="free some space on it, or use another card",
        )
    name = "backups/%s-%d.bin" % (uid, run.sequence())
    path = card.root + "/" + name
    try:
        with open(path, "wb") as file:
            crcs = _write(run, file)
    except OSError as error:
        raise files.card_error("cannot write " + name, error) from None
    run.image.close()  # the card is unmounted and mounted again
    files.sync()
    card.unmount()
    card.mount()
    found, sha256 = _read_back(run, path)
    if found != crcs:
        raise CardError("verify", name + " does not read back as it was written", next_step="use another card")
    run.backup = {"file": name, "sha256": sha256, "bytes": size, "verified": True}
    facts = {
        "uid": uid,
        "job": run.job.name,
        "address": run.chip.flash.base,
        "torn": [address for sector in run.evidence["sectors"] for address in sector["torn"]],
        "sectors": [[sector["index"], sector["state"]] for sector in run.evidence["sectors"]],
        "protected": [[s["address"], s["size"]] for s in run.evidence["sectors"] if s["state"] == guarded.STATE],
        "sha256": sha256,
        "bytes": size,
    }
    try:
        with open(path[:-4] + ".json", "w") as file:
            json.dump(facts, file)
    except OSError as error:
        raise files.card_error("cannot write the backup's map", error) from None


def _take_earlier(run):
    # The backup of the run that was cut is from before its first erase: what that run destroyed is in it alone.
    earlier = run.resumed["backup"]
    if earlier is not None:
        path = run.ports.card.root + "/" + earlier["file"]
        whole = files.exists(path) and files.size_of(path) == run.chip.flash.size
        if whole and _read_back(run, path)[1] == earlier["sha256"]:
            run.backup = earlier
            return True
    for step in run.plan["steps"]:
        index, end = step["sector"], step["address"] + step["size"]
        needed = step["source"] == FROM_BACKUP
        for region in run.job.preserve:
            needed = needed or (region.address < end and step["address"] < region.address + region.length)
        if needed and index in run.resumed["sectors"]:
            raise CardError(
                "backup",
                "sector %d held data of the unit, which is in the backup of the run that was cut" % index,
                next_step="put the card of that run back and start again",
            )
    return False


def _write(run, file):
    # The CRC of each sector as it was sent, which is also what the target's core has read.
    progress = run.progress_in_bytes("backup")
    crcs = []
    done = 0
    for sector in run.evidence["sectors"]:
        crc = 0
        for at in range(0, sector["size"], files.CHUNK):
            _fill(run, sector, sector["address"] + at)
            crc = binascii.crc32(files.view, crc)
            if file.write(files.view) != files.CHUNK:
                raise OSError(28)
            done += files.CHUNK
            progress(done, run.chip.flash.size)
        if sector["crc"] is not None and sector["crc"] != crc:
            raise WireError("parity", "flash came over the wire otherwise than the core reads it", sector["address"])
        crcs.append(crc)
        run.power.check()
    return crcs


def _fill(run, sector, address):
    state = sector["state"]
    if state == "blank" or state == guarded.STATE:
        image.fill_blank(files.view)
    elif state == "match" and sector.get("prefix") == sector["size"]:
        run.image.fill(address, files.view)
    elif run.chip.flash.read(address, files.view) and state != "torn":
        raise ConsentError("torn", "a flash word broke while it was being read", address)


def _read_back(run, path):
    # CRC of each sector of the file, and the SHA-256 of the whole.
    progress = run.progress_in_bytes("check backup")
    digest = hashlib.sha256()
    crcs = []
    done = 0
    try:
        with open(path, "rb") as file:
            for sector in run.evidence.get("sectors") or ({"size": run.chip.flash.size},):
                crc = 0
                for _ in range(0, sector["size"], files.CHUNK):
                    count = file.readinto(files.view)
                    digest.update(files.view[:count])
                    crc = binascii.crc32(files.view[:count], crc)
                    done += count
                    progress(done, run.chip.flash.size)
                crcs.append(crc)
    except OSError as error:
        raise files.card_error("cannot read the backup", error) from None
    return crcs, binascii.hexlify(digest.digest()).decode()
