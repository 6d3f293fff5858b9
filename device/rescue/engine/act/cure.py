# Writes what is planned. What cannot be undone is in the journal before it begins: each erase, each write to
# a sector that was not erased here, and the vectors. A line costs the helper's flash some 50 ms; so what follows by
# itself (the write after an erase) has none of its own, and each line is written one step ahead, while the flash is
# busy: a cut run leaves its last two sectors in doubt (resume.py).
#
# Order: the boot sector is erased first if it must be erased at all; the other sectors are erased, written and verified
# one by one; the boot sector is written without its first flash word, verified, and that word is written last.
#
# While a sector is being erased its new contents already go from the card to the target's RAM; while its flash words
# are programmed the rest follows. The flash waits for nothing but the journal's first line.

import hashlib

from rescue.engine import modules
from rescue.engine.common import files, image
from rescue.engine.common.source import FROM_IMAGE, AsChecked, SectorSource
from rescue.engine.unit.pieces import in_pieces, make_room, wait_for_next
from rescue.engine.unit.verifier import Verifier
from rescuelink.consent import ERASE, PROGRAM, Consent
from rescuelink.errors import CardError, FlashError, PowerError, TargetError, WireError

_TRIES = 8  # at most, on a disturbed wire; failed_write.py has what is allowed otherwise


class Cure:
    def __init__(self, run, steps):
        self._run = run
        self._steps = steps
        self._word_bytes = run.job.word_bytes
        self._verifier = Verifier(run, run.power.check)
        sectors = tuple(n for step in steps for n in range(step["sector"], step["sector"] + step["count"]))
        self._consent = Consent((ERASE, PROGRAM), run.by or "policy:" + run.job.name, sectors)
        self._total = sum(step["size"] for step in steps)
        self._done = 0
        self._progress = run.progress_in_bytes("write")
        self._erased = set()
        self._noted = None  # (event, sector) of the line that is in the journal ahead of time
        self._held = b""  # the first flash word, which is written last
        self._backup_path = None if run.backup is None else run.ports.card.root + "/" + run.backup["file"]

    def carry_out(self):
        run = self._run
        facts = {"uid": run.evidence["chip"]["uid"], "job": run.job.name}
        facts["consent"] = self._consent.to_dict()
        facts["backup"] = run.backup
        if run.plan["restore"]:
            facts["restore"] = True
            facts["before"] = run.plan["options_before"]
        elif run.plan["regress"]:
            facts["regressed"] = True
        if run.plan["protect"]:
            facts["wpsn"] = run.plan["protect"]  # what has to be write-protected again at the end
        boot = self._steps[-1]  # the sector with the vectors, if there is one
        first = boot if boot["vectors"] and boot["erase"] else self._steps[0]
        facts["sector"] = first["sector"]  # the line of the first step
        self._noted = self._line_of(first)
        run.journal_write("begin", facts)
        self._run.chip.flash.unlock()
        modules.drop("rescue.chips.stm32h7.: flash_loader_ flash_keys")  # it is open, and its routine in RAM
        if len(self._steps) > 1 and first["vectors"] and first["erase"]:
            self._carry_out_step(first, None, True)
        disturbances = run.disturbances()
        for index, step in enumerate(self._steps):
            if run.disturbances() != disturbances:
                # Whoever has lost the contact for a moment may have lost the unit.
                disturbances = run.disturbances()
                from rescue.engine.unit.same_unit import check_unit

                in_pieces(run, check_unit)
            run.observer.event("safe-point", {"sector": step["sector"]})  # where a host may still stop the run
            after = ("vectors", step["sector"]) if step["vectors"] else None
            if index + 1 < len(self._steps):
                after = self._line_of(self._steps[index + 1])
            self._carry_out_step(step, after)
        self._run.chip.flash.lock()
        run.verified = {"by_digest": self._verifier.by_digest, "by_reading": self._verifier.by_reading}

    def _line_of(self, step):
        # The line that a step needs before it begins.
        if step["sector"] in self._erased:
            return ("vectors", step["sector"]) if step["vectors"] else None
        return ("erase" if step["erase"] else "program", step["sector"])

    def _note(self, event, sector):
        if self._noted != (event, sector):
            self._run.journal_write(event, {"sector": sector})
        self._noted = None

    def _note_ahead(self, line):
        if line is not None and line != self._noted:
            self._run.journal_write(line[0], {"sector": line[1]})
            self._noted = line

    def _carry_out_step(self, step, after, erase_only=False):
        # Erases a sector, or writes all of it; again as long as settle() allows it. In one call, body and all: below it
        # lies the deepest of a board's stack.
        run = self._run
        # What goes with the read protection was never read: there is no backup, and nothing of it comes back.
        kept = () if run.plan["regress"] and self._backup_path is None else run.job.preserve
        source = SectorSource(step, run.image, self._backup_path, kept, run.chip.flash.base)
        vectors_at = run.job.boot_address // self._word_bytes * self._word_bytes if step["vectors"] else None
        before = self._done
        for attempt in range(1, _TRIES + 1):
            self._done = before
            try:
                make_room(run, step["size"])
                if erase_only:
                    self._erase_first(step)
                    break
                if (step["erase"] and step["sector"] not in self._erased) or attempt > 1:
                    self._erase(step)
                    if attempt > 1:
                        # Erase and write have not had the time together: each has a time of its own.
                        run.chip.flash.wait_erased(run.power.check)
                        wait_for_next(run)
                expected = self._program(step, source, after, vectors_at)
                if vectors_at is None:
                    self._verifier.check(source, step["address"], step["size"], expected)
                else:
                    self._write_vectors(step, source, vectors_at, expected)
                break
            except CardError:
                run.chip.flash.wait_erased()  # the erase under way comes to its end: the power goes off next
                raise
            except (FlashError, PowerError, TargetError, WireError) as error:
                from rescue.engine.act.failed_write import settle

                settle(run, step, error, attempt, attempt == _TRIES)
        run.resets.progressed()

    def _erase_first(self, step):
        self._erase(step)
        self._note_ahead(self._line_of(self._steps[0]))
        self._run.chip.flash.wait_erased(self._run.power.check)

    def _erase(self, step):
        # Only begun here: _program() goes on while it runs.
        run = self._run
        run.power.check()
        self._note("erase", step["sector"])
        run.erase_begun = True
        run.say("erase sector %d" % step["sector"])
        self._run.chip.flash.start_erase(step["sector"], self._consent, step["count"])
        self._erased.add(step["sector"])

    def _program(self, step, source, after, held_back):
        # All of the sector but the flash word at `held_back`. Returns the SHA-256 of what the sector then holds.
        run = self._run
        check = run.power.check
        if step["sector"] not in self._erased:
            self._note("program", step["sector"])
        run.erase_begun = True
        run.say("write sector %d" % step["sector"])

        def blank(address, view):
            if held_back is not None and address <= held_back < address + len(view):
                image.fill_blank(view[held_back - address : held_back - address + self._word_bytes])
            return view

        def piece(address, length):
            view = files.view[:length]
            source.fill(address, view)
            return blank(address, view)

        stream = self._run.chip.flash.stream(step["address"], step["size"], self._consent, piece)
        # Where the image fills a sector alone, it has to hold what was checked. Where a flash word is held back, where
        # the unit's own data lie in between or the image ends, what the card gives now is looked at here.
        alone = held_back is None and not source.is_mixed
        expected = run.image.known(step["address"], step["size"]) if alone else None
        digest = hashlib.sha256() if expected is None else None
        checked = None
        if expected is None and step["source"] == FROM_IMAGE:
            checked = AsChecked(run.image.digests, step["address"], step["size"])
        for at in range(0, step["size"], files.CHUNK):
            check()
            source.fill(step["address"] + at, files.view, checked)
            if held_back is not None and 0 <= held_back - step["address"] - at < files.CHUNK:
                start = held_back - step["address"] - at
                self._held = bytes(files.view[start : start + self._word_bytes])
            blank(step["address"] + at, files.view)
            if digest is not None:
                digest.update(files.view)
            stream.put(files.view, check)
            self._done += files.CHUNK
            self._progress(self._done, self._total)
        self._note_ahead(after)
        stream.finish(check)
        if checked is not None and checked.wrong is not None:
            from rescue.engine.unit.read_back import changed

            raise changed(checked.wrong)
        return expected or digest.digest()

    def _write_vectors(self, step, source, address, expected):
        # All but the first flash word is verified before the chip is given something to start.
        if not self._verifier.agrees(step["address"], step["size"], expected):
            after = address + self._word_bytes
            if address > step["address"]:
                self._verifier.check(source, step["address"], address - step["address"])
            self._verifier.check(source, after, step["address"] + step["size"] - after)
        self._note("vectors", step["sector"])
        # As it was when it went by, and not what a card gives now.
        word = files.view[: self._word_bytes]
        word[:] = self._held
        self._run.chip.flash.program(address, word, self._consent, True)
        self._verifier.check(source, address, self._word_bytes, hashlib.sha256(self._held).digest())
