# After the last write: do the sectors that the job does not own still hold what they held? An erase command that was
# damaged on the wire may have hit another one. What it hit is put back from the backup, under the job's name.

import binascii
import hashlib

from rescue.engine.common import files, image
from rescue.engine.common.backup_file import BackupFile
from rescue.engine.common.source import FROM_BACKUP
from rescue.engine.unit.pieces import in_pieces
from rescuelink.errors import FlashError

_WHY = "hit by a disturbed erase"


def look(run):
    """Compares by SHA-256 with what was there before. Raises what a rewrite raises, or FlashError("verify")."""
    hit = []
    for kept in run.plan["kept"]:
        if in_pieces(run, _differs, kept):
            hit.append(kept)
    if not hit:
        return
    from rescue.engine.act.cure import Cure

    run.disturbed += 1
    steps = []
    for index, address, size, count, _sha256 in hit:
        run.plan["put_back"].append(index)
        run.plan["lines"].append("put sector %d back from the backup (%s)" % (index, _WHY))
        step = {"sector": index, "address": address, "size": size, "count": count, "erase": True}
        step.update({"source": FROM_BACKUP, "vectors": False, "why": _WHY})
        steps.append(step)
    Cure(run, steps).carry_out()
    for kept in hit:
        if in_pieces(run, _differs, kept):
            raise FlashError("verify", "a sector of the unit's own could not be put back as it was", kept[1])


def _differs(run, kept):
    # A first difference may be the wire's: what the core was asked, or its answer. Where it cannot say, the sector
    # is read: nothing is erased for want of an answer.
    same = None
    for _ in range(3):
        same = _same_by_core(run, kept)
        if same:
            return False
        run.chip.digest.forget()
    return not (_same_by_reading(run, kept) if same is None else same)


def _same_by_core(run, kept):
    _index, address, size, _count, sha256 = kept
    digest = run.chip.digest
    if sha256 is None:
        return digest.is_blank(address, size)
    found = digest.sha256(address, size, run.power.check)
    return None if found is None else found == binascii.unhexlify(sha256)


def _same_by_reading(run, kept):
    # An erase leaves nothing of a sector: one piece that was not blank tells, and a blank sector has nothing to lose.
    _index, address, size, _count, sha256 = kept
    if sha256 is None:
        return True
    flash, view = run.chip.flash, files.view
    backup, at = BackupFile(run.ports.card.root + "/" + run.backup["file"], flash.base), 0
    backup.fill(address, view)
    while image.is_blank(view) and at + files.CHUNK < size:
        at += files.CHUNK
        backup.fill(address + at, view)
    before = hashlib.sha256(view).digest()
    return not flash.read(address + at, view) and hashlib.sha256(view).digest() == before
