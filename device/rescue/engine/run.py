# Runs the job on the card: a visible list of named steps, each timed, with the safe state at the end of all of them.
#
# A step is a function of `Run`; what it finds it leaves there. It may skip forward, never back. Whatever happens, the
# power goes off and every line is let go, and there is a record. The modules of a step are loaded when its turn comes
# and dropped after it, so that the helper's heap never holds them all.

import gc
import json
import sys

from micropython import const

from rescue.engine import modules
from rescue.engine.common.resets import Resets
from rescue.engine.own_faults import NOTE, OUR_FAULTS
from rescue.engine.power import Power
from rescue.engine.steps import COUNT, STEPS, function_of
from rescuelink.errors import RescueError, Stopped

_DIAGNOSIS = "diagnosis"
_ACT = "act"
_SAFE_OFF = "safe-off"

_ABORT_MS = 3000
_EVENT_MS = 100  # progress is told no more often than this
_TRIES_TOLD = 24  # in the evidence, the first ones: a unit that is reset for minutes must not fill the heap with them
_RESERVE_BYTES = const(1024)
# What goes at a step's end (modules.drop). One text: a text for each would be several times as large.
_DROPPED = (
    "rescue.engine.: job examine survey diagnosis plan backup act verify proof record unit "
    "common.source common.backup_file common.guarded common.option_values "
    "rescue.front.: pages consent_prompt controls words waiting "
    "rescue.chips.stm32h7.: flash_ digest_ identity option clocks pins "
    "rescue.debug.: connect cortex_m_watch rescue.hal.: swd_pins "
    "rescuelink.: distinguishing causes_ chain consent diagnoses fields job limits manifest marker no_image outcomes "
    "p256 seal targets vectors volume"
)
_REPORT_IT = "keep the record and report it"
_NO_ROOM = RescueError("memory", "MemoryError", next_step=_REPORT_IT)


class Run:
    """Everything one run knows."""

    # Of the few runs in which a person consents, and not the job's policy:
    needs = ()  # words of consent that this unit needs and the job leaves to a person
    given = ()  # those that a person at the host has typed
    granted = None  # what was asked, and the answer
    by = None  # who consented
    diagnosed_again = False  # the diagnosis is of the unit with the image on it, which it does not run
    disturbed = 0  # transfers that were damaged or lost, over the targets that were left
    watched_ms = None  # ms() at the end of the first look at NRST
    released = None  # of a signed job: series, number, the key's name
    ahead = None  # what was checked of the card while the dongle waited (front/ahead.py)
    folder = ""  # of the card, where the job lies: "/look" for one that a host only asks about

    def __init__(self, ports, helper, screen=None, last=None, person=None):
        # `last`: the step before "act" to end with; nothing is changed then, and no record is made. `person`: who does
        # by hand what the helper has no part for.
        self._last = last
        self.person = person
        if ports.missing:
            from rescue.engine.common import by_hand

            self.person = person or (screen and screen.person(ports))
            ports = by_hand.with_person(ports, self.person)
        self.ports = ports
        self.helper = helper
        self.observer = ports.observer
        self.screen = screen
        self.limits = None
        self.power = Power(ports, None)
        self.resets = Resets(ports)
        self.card_mounted = False
        self.job = None
        self.image = None
        self.resumed = None
        self.target = None
        self.chip = None
        self.evidence = {"rails": {"off": None, "on": None, "trip": None, "ma": None}}
        self.backup = None
        self.diagnosis = None
        self.is_spilled = False
        self.ends_as = None
        self.plan = None
        self.journal = None
        self.erase_begun = False
        self.cured = False
        self.verified = {"by_digest": 0, "by_reading": 0}
        self.image_verified = False
        self.proof = None
        self.error = None
        self.steps = []
        self.heap_free_min = None
        self.step = ""
        self.index = 0
        self._sequence = None
        self._skip_to = None
        self._told = None
        self._held_since = None
        self._clock = ports.clock
        self._reserve = bytearray(_RESERVE_BYTES)  # to say so when the heap has run out
        self.started_ms = ports.clock.ms()
        self.started_cycles = ports.wire.cycles
        self.known_resends = ports.wire.resends

    # --- for the steps ---

    def skip_to(self, name):
        """Go on with a later step."""
        self._skip_to = name

    def use_limits(self, limits):
        """The job's limits; without a job nothing is ever powered."""
        self.limits = limits
        self.power = Power(self.ports, limits)
        self.power.say = self.say

    def sequence(self):
        """This record's number."""
        if self._sequence is None:
            from rescue.engine.record.records import next_sequence

            self._sequence = next_sequence(self.ports.card.root, self.ports.store.root)
        return self._sequence

    def journal_write(self, event, facts):
        if self.journal is None:
            from rescue.engine.common.journal import Journal

            self.journal = Journal((self.ports.card.root, self.ports.store.root), self.evidence["chip"]["uid"])
        if not self.journal.write(event, facts):
            raise OSError(5)  # an act that cannot be journalled is not done

    def say(self, text):
        """One line about what is being done now."""
        if self.screen is not None:
            self.screen.working(self.step, self.index, COUNT, text)

    def progress_in(self, what, unit):
        """A function (done, total) that tells whoever watches, at a bearable rate, and keeps the watchdog fed."""

        def tell(done, total):
            clock = self._clock
            if self._told is not None and done < total and clock.since_ms(self._told) < _EVENT_MS:
                return
            self._told = clock.ms()
            clock.feed()
            self._look_for_abort()
            self.resets.look(self.target)
            self.note_heap()
            self.observer.event(
                "progress", {"step": self.step, "what": what, "done": done, "total": total, "unit": unit}
            )
            if self.screen is not None:
                self.screen.progress(self.step, self.index, COUNT, what, done, total)

        return tell

    def _look_for_abort(self):
        # Held for three seconds the button stops the job, as long as the flash has not been touched.
        if self.erase_begun or not self.ports.panel.pressed():
            self._held_since = None
        elif self._held_since is None:
            self._held_since = self._clock.ms()
        elif self._clock.since_ms(self._held_since) >= _ABORT_MS:
            raise RescueError("aborted", "the button was held", next_step="press it again to start anew")

    def progress_in_bytes(self, what):
        return self.progress_in(what, "bytes")

    def slow_down(self):
        """A slower SWCLK after a disturbed transfer, and the debug port found again. False when there is none left."""
        from rescue.engine.unit.swd_retry import slow_down

        return slow_down(self)

    def leave_target(self):
        """Take our debug enables back and let the wire go; the chip may no longer answer, which harms nothing."""
        if self.target is not None:
            try:
                self.target.core.release(self.keeps_power())
            except RescueError:
                pass
            self.disturbed += self.target.dp.disturbed
            self.count_resends()
            if self.chip is not None:
                self.disturbed += self.chip.flash.resends
        self.target = None
        self.chip = None
        self.ports.wire.release()

    def keeps_power(self):
        """Whether the unit has its supply when the run is over: this helper does not switch it."""
        return self.power.by_hand() or not self.power.can_switch()

    def count_resends(self):
        # An answer that was asked for once more was damaged, however well it came then.
        resends = self.ports.wire.resends
        self.disturbed += resends - self.known_resends
        self.known_resends = resends

    def note_heap(self):
        """The free heap in bytes, the lowest of which is remembered. CPython has no figure to give."""
        if hasattr(gc, "mem_free"):
            gc.collect()
            free = gc.mem_free()
            if self.heap_free_min is None or free < self.heap_free_min:
                self.heap_free_min = free
            return free
        return None

    # --- the run ---

    def carry_out(self):
        """All steps, then the safe state and the record. Returns the record, or with `last` the findings; never raises
        for what a unit, a card or a job can do."""
        try:
            self._carry_out_steps()
        except OUR_FAULTS as error:
            self.at_fault(error)  # between two steps
        finally:
            self._switch_off()
        return self._conclude()

    def _switch_off(self):
        self.index = len(STEPS)
        try:
            self._timed(_SAFE_OFF)
        except OUR_FAULTS as error:
            self.power.cut()
            self.at_fault(error)

    def _conclude(self):
        if self._last is not None:
            from rescue.engine.record.findings import findings

            return findings(self)
        try:
            from rescue.engine.record.step import end

            return end(self)
        except RescueError as error:
            self.failed(error)
        except OUR_FAULTS as error:
            self.at_fault(error)
        left = self._let_go()
        # A note first, as long as there is room: where the heap has none for the record (names that are still to be met
        # may need a table of 15 KiB in one piece), the next start makes it.
        try:
            with open(self.ports.store.root + NOTE, "w") as file:
                json.dump(left, file)
        except OSError:
            pass  # the helper's flash takes nothing more
        from rescue.engine.record import short_record

        return short_record.of_run(self.ports, self.helper, left, self.card_mounted)

    def _let_go(self):
        # Everything but the facts of the shortest record, in words that are all in the heap already.
        error, job, found, proof = self.error, self.job, self.diagnosis, self.proof
        left = {
            "error": error.to_dict(),
            "sentence": error.sentence(),
            "outcome": "INTERRUPTED" if self.erase_begun and not self.cured else "TOOL_ERROR",
            "cause": found["cause"] if found else None,
            "job": None
            if job is None or not job.name
            else {
                "name": job.name,
                "image": job.image.file,
                "version": job.image.version,
                "release": self.released,
            },
            "proof": None if proof is None else {"passed": proof["passed"], "holds": proof["holds"]},
            "unit": self.evidence.get("chip"),
            "backup": self.backup,
            "resumed": self.resumed,
            "steps": self.steps,
            "virtual_ms": self._clock.since_ms(self.started_ms),
            "heap_free_min": self.heap_free_min,
        }
        self.power.limits = self.limits = self.job = self.image = self.journal = self.target = self.chip = None
        self.evidence = self.diagnosis = self.plan = self.proof = job = found = proof = None
        modules.drop("rescue.chips rescue.debug")
        drop_modules()
        return left

    def _carry_out_steps(self):
        for index, name in enumerate(STEPS):
            if self._skip_to is not None and self._skip_to != name:
                continue
            self._skip_to = None
            self.index = index
            if name == _ACT:
                from rescue.engine.record import spill

                spill.put(self)
                drop_modules()
            while not self._timed(name):
                from rescue.engine.unit import step_failed

                if step_failed.is_done_again(self, name):
                    self.error = None
                    continue
                # A unit's fault found on the way is still diagnosed from what is known.
                if self.diagnosis is None and step_failed.may_be_the_units(self):
                    self._timed(_DIAGNOSIS)
                return
            if name == self._last:
                return
        self.cured = True

    def is_disturbed(self):
        """Whether a transfer of this run was damaged or lost, or the unit was reset while it was worked on."""
        return self.disturbances() > 0

    def disturbances(self):
        found = self.disturbed + self.resets.count + self.ports.wire.resends - self.known_resends
        if self.target is not None:
            found += self.target.dp.disturbed
        if self.chip is not None:
            found += self.chip.flash.resends
        return found

    def _timed(self, name):
        # One step, timed, with its outcome; False when it failed.
        self.step = name
        self._told = None
        self.observer.event("step", {"name": name, "index": self.index, "count": COUNT})
        start = self._clock.ms()
        outcome = "ok"
        step = None
        try:
            if name == _SAFE_OFF:
                self._safe_off()
            else:
                self.say("")
                step = function_of(name)
                self.note_heap()
                step(self)
        except RescueError as error:
            error.phase = error.phase or name
            outcome = error.kind
            self.failed(error)
        except Stopped as stopped:
            outcome = stopped.kind
            self.failed(RescueError("aborted", stopped.message, phase=name, next_step=stopped.next_step))
        except OUR_FAULTS as error:
            outcome = "error"
            step = None
            self.at_fault(error)
        step = None  # its module goes
        self.note_resets()
        if outcome == "ok" and self.resets.fresh and self.target is not None and name != _SAFE_OFF:
            try:
                # A chip that was without power forgets what keeps it open to debugging in its sleep.
                self.target.family.prepare(self.target)
            except RescueError:
                pass  # the next step says what is the matter
        entry = {"name": name, "ms": self._clock.since_ms(start), "outcome": outcome}
        self.steps.append(entry)
        self.note_heap()
        drop_modules()
        told = dict(entry)
        told["heap_free"] = self.note_heap()
        self.observer.event("step-end", told)
        return outcome == "ok"

    def note_resets(self):
        """What has reset the unit since the last look, and was not us."""
        self.resets.look(self.target)
        if self.resets.count and "nrst" in self.evidence:
            self.evidence["nrst"]["later"] = self.resets.found()

    def note_tries(self, tries):
        """More tries to find the chip, for the evidence."""
        told = self.evidence["swd"]["tries"]
        told += tries[: max(_TRIES_TOLD - len(told), 0)]

    def at_fault(self, error):
        """An exception of our own code, the file system or the heap, in the step under way. Makes room first."""
        self._reserve = None
        try:
            drop_modules()
            if sys.implementation.name == "micropython":
                sys.print_exception(error)
            kind = "memory" if isinstance(error, MemoryError) else "tool"
            message = "%s: %s" % (error.__class__.__name__, error)
            self.failed(RescueError(kind, message, phase=self.step, next_step=_REPORT_IT))
        except MemoryError:
            self.error = self.error or _NO_ROOM

    def failed(self, error):
        """The first error is the one that counts; what follows from it is kept out of its way."""
        self.observer.event("error", error.to_dict())
        if self.error is None:
            self.error = error

    def _safe_off(self):
        try:
            if self.power.is_on:
                self.leave_target()
            elif self.target is not None and self.power.trip is None and self.keeps_power():
                self.ports.wire.engage()  # all was let go when the host went, and the core may still be halted
                self.leave_target()
        finally:
            # First off, then the proof that it is off.
            self.power.cut()
            if self.image is not None:
                self.image.close()
            if self.journal is not None and (self.cured or not self.erase_begun):
                self.journal.close()
        if self.power.cycles and not self.power.by_hand():
            from rescue.engine.unit import power_cycle

            power_cycle.off(self.power)


def run(ports, helper, screen=None, ahead=None):
    """Runs the job on the card and returns the record (docs/architecture.md)."""
    one = Run(ports, helper, screen)
    one.ahead = ahead
    return one.carry_out()


def drop_modules():
    """Lets go of what only one step needs."""
    modules.drop(_DROPPED)
