# Step "backup": everything readable, on the card, before the first erase: backups/<uid>-<sequence>.elf and a map of it.
#
# The file holds every sector that is not blank, without its blank end (layout.py); what nobody may read is not in it,
# torn words are 0xFF, and the map lists both. Blank and matching sectors do not come over the wire: the core has looked
# at each of their bytes, and found 0xFF, or by SHA-256 the image on the card. Every other sector is read, and held
# against the core's SHA-256. It counts as a backup only after the card was unmounted, mounted again, and the whole file
# has the SHA-256 of what was sent.

import binascii
import hashlib
import json

from micropython import const

from rescue.engine import modules
from rescue.engine.backup import layout
from rescue.engine.common import files, guarded, image
from rescue.engine.common.source import FROM_BACKUP
from rescue.engine.unit.pieces import in_pieces
from rescue.engine.unit.same_unit import check_unit
from rescuelink.errors import CardError, ConsentError, WireError

_FILLER = "/records/filler.tmp"
_FILLER_BYTES = const(32 * 1024)
_SPARE_BYTES = const(256 * 1024)  # left free for records and the journal


def keep(run):
    """Sets run.backup = {"file", "sha256", "bytes", "verified"}. Raises CardError, WireError."""
    check_unit(run)
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
    kept = [(sector["address"], in_pieces(run, _to_keep, sector)) for sector in run.evidence["sectors"]]
    runs = layout.runs_of([part for part in kept if part[1]])
    size = files.CHUNK + sum([length for _address, length in runs])
    files.make_directory(card.root + "/backups")
    free = card.free_bytes(run.ports.clock.feed)
    if free < size + _SPARE_BYTES:
        raise CardError(
            "full",
            "the card is too full for a backup: it needs %d KiB, %d KiB are free"
            % ((size + _SPARE_BYTES) // 1024, free // 1024),
            next_step="free some space on it, or use another card",
        )
    name = "backups/%s-%d.elf" % (uid, run.sequence())
    path = card.root + "/" + name
    try:
        with open(path, "wb") as file:
            sent = _write(run, file, runs, size)
    except OSError as error:
        raise files.card_error("cannot write " + name, error) from None
    if run.image is not None:
        run.image.close()  # the card is unmounted and mounted again
    files.sync()
    card.unmount()
    card.mount()
    modules.drop("rescuelink.volume")  # which has found the card's
    sha256 = _read_back(run, path)
    if sha256 != sent:
        raise CardError("verify", name + " does not read back as it was written", next_step="use another card")
    run.backup = {"file": name, "sha256": sha256, "bytes": size, "verified": True}
    facts = {
        "uid": uid,
        "chip": run.evidence["chip"],
        "options": run.evidence.get("options"),
        "job": run.job.name,
        "address": run.chip.flash.base,
        "torn": [address for sector in run.evidence["sectors"] for address in sector["torn"]],
        "sectors": [[sector["index"], sector["state"]] for sector in run.evidence["sectors"]],
        "protected": [[s["address"], s["size"]] for s in run.evidence["sectors"] if s["state"] == guarded.STATE],
        "sha256": sha256,
        "bytes": size,
        "flash_bytes": run.chip.flash.size,
    }
    try:
        with open(path[:-4] + ".json", "w") as file:
            json.dump(facts, file)
    except OSError as error:
        raise files.card_error("cannot write the backup's map", error) from None
    if run.image is None:
        run.skip_to("safe-off")
        return
    _push_out(run)


def _push_out(run):
    # A card may have acknowledged its newest blocks and hold them in its own memory still, where a reading finds them.
    # As many as these push them out, before anything is erased: a card that is pulled then loses none of the backup.
    root = run.ports.card.root
    files.make_directory(root + "/records")
    try:
        with open(root + _FILLER, "wb") as file:
            for _ in range(_FILLER_BYTES // files.CHUNK):
                file.write(files.view)
    except OSError as error:
        raise files.card_error("cannot write " + _FILLER[1:], error) from None
    files.sync()


def _take_earlier(run):
    # The backup of the run that was cut is from before its first erase: what that run destroyed is in it alone.
    earlier = run.resumed["backup"]
    if earlier is not None:
        path = run.ports.card.root + "/" + earlier["file"]
        fits = files.exists(path) and files.size_of(path) <= files.CHUNK + run.chip.flash.size
        if fits and _read_back(run, path) == earlier["sha256"]:
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


def _write(run, file, runs, size):
    # SHA-256 of what was sent.
    progress = run.progress_in_bytes("backup")
    layout.write_head(file, runs, run.chip.flash.base, run.chip.flash.size)
    whole = hashlib.sha256(files.view)
    done = files.CHUNK
    for sector in run.evidence["sectors"]:
        if not layout.is_in(runs, sector["address"]):
            continue
        expected = in_pieces(run, _as_the_core_reads_it, sector)
        look = expected is None or run.is_disturbed()  # a reset takes the flags away
        own = None if _is_known(sector) or sector["state"] == guarded.STATE else hashlib.sha256()
        for address in range(sector["address"], sector["address"] + sector["size"], files.CHUNK):
            is_kept = layout.is_in(runs, address)
            if is_kept:
                in_pieces(run, _fill, sector, address, look)
            else:
                image.fill_blank(files.view)
            if own is not None:
                own.update(files.view)  # all of the sector: that its end is blank is held against the core's SHA-256
            if not is_kept:
                continue
            whole.update(files.view)
            if file.write(files.view) != files.CHUNK:
                raise OSError(28)
            done += files.CHUNK
            progress(done, size)
        if expected is not None:
            if not look and (run.is_disturbed() or not run.chip.flash.is_sound(sector["address"])):
                in_pieces(run, _look_again, sector)
            _compare(run, sector, own.digest(), expected)
        elif own is not None and run.is_disturbed():
            _read_again(run, sector, own.digest())
        run.power.check()
    return _hex(whole)


def _look_again(run, sector):
    # Raises for the word that is torn, or whose flag says so.
    for at in range(0, sector["size"], files.CHUNK):
        run.power.check()
        _fill(run, sector, sector["address"] + at, True)


def _read_again(run, sector, read):
    # The core cannot say what it holds, and the wire has shown that it errs: only what reads the same twice is kept.
    own = hashlib.sha256()
    for at in range(0, sector["size"], files.CHUNK):
        run.power.check()
        _fill(run, sector, sector["address"] + at, True)
        own.update(files.view)
    if own.digest() != read:
        run.disturbed += 1
        raise WireError("parity", "flash came over the wire in two ways", sector["address"])


def _to_keep(run, sector):
    # Bytes from its beginning; the rest is blank, as the core says, which looks at 128 KiB in a millisecond.
    if sector["state"] in ("blank", guarded.STATE):
        return 0
    if sector["state"] != "torn":
        found = run.chip.digest.look(sector["address"], sector["size"], 0, run.power.check)
        if found is not None:
            used = max(found[0] - sector["address"], 1)
            return -(-used // files.CHUNK) * files.CHUNK
    return sector["size"]


def _is_known(sector):
    # All of it has been found equal to what we have here.
    return sector["state"] == "blank" or (sector["state"] == "match" and sector.get("prefix") == sector["size"])


def _as_the_core_reads_it(run, sector):
    # None for what need not be read, and for what the core cannot read.
    if _is_known(sector) or sector["state"] in ("torn", guarded.STATE):
        return None
    if sector["sha256"] is not None:
        return binascii.unhexlify(sector["sha256"])
    return run.chip.digest.sha256(sector["address"], sector["size"], run.power.check)


def _fill(run, sector, address, look):
    # look: at the ECC flags at once. What the core can digest it has read as well, and the flags of all are asked then.
    state = sector["state"]
    if state == "blank" or state == guarded.STATE:
        image.fill_blank(files.view)
    elif _is_known(sector):
        run.image.fill(address, files.view)
    elif run.chip.flash.read(address, files.view, look) and state != "torn":
        raise ConsentError("torn", "a flash word broke while it was being read", address)


def _read_back(run, path):
    # SHA-256 of the file.
    progress = run.progress_in_bytes("check backup")
    whole = hashlib.sha256()
    done = 0
    size = files.size_of(path)
    try:
        with open(path, "rb") as file:
            while done < size:
                count = file.readinto(files.view)
                if not count:
                    break
                whole.update(files.view[:count])
                done += count
                progress(done, size)
    except OSError as error:
        raise files.card_error("cannot read the backup", error) from None
    return _hex(whole)


def _compare(run, sector, read, expected):
    # A digest noted in the map may be what was disturbed: the core is asked anew, and once more on the next try.
    if read == expected:
        return
    run.disturbed += 1
    sector["sha256"] = None
    if _as_the_core_reads_it(run, sector) != read:
        raise WireError("parity", "flash came over the wire otherwise than the core reads it", sector["address"])
    sector["sha256"] = binascii.hexlify(read).decode()
    for at, kept in enumerate(run.plan["kept"]):
        if kept[0] == sector["index"]:
            run.plan["kept"][at] = kept[:4] + (sector["sha256"],)  # what it is found to hold after the erases, too


def _hex(digest):
    return binascii.hexlify(digest.digest()).decode()
