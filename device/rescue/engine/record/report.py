# The end of a run: the outcome, the record, and that it was really saved.

from rescue.engine.common import option_values
from rescue.engine.diagnosis.diagnose import diagnose
from rescue.engine.record import outcome, records, signing
from rescue.engine.record.next_step import after
from rescuelink import outcomes
from rescuelink.errors import RescueError

_DISTURBED = "%d disturbance(s) of SWD were noticed: the wires and their contacts want a look"
_WIRES = "check the contacts and the SWDIO, SWCLK and GND wires, shorten them, and press again: nothing is lost"
_RINGS = (
    ". A slower clock did not help, so the edges ring: put 33 to 100 ohm in series with SWCLK at the helper, a "
    "ground wire beside it"
)
_SLOWEST_HZ = 100_000
_RESETS = "NRST fell %d time(s) while the unit was worked on, and nobody here had pulled it"
_NO_RESET = (
    "find what resets the unit (a supervisor, a watchdog chip, a loose wire at NRST) and keep it from that while the "
    "unit is worked on (a watchdog chip by its jumper, or its input or output taken off), then press again"
)
_SILENT = (
    "%s goes away %d ms after power-on while no firmware runs, with nobody at work: the front end that feeds the chip "
    "hears nothing from it; the work was done in pieces, each with the power switched on anew"
)
_KEEP_ALIVE = (
    "keep the front end from switching the chip's supply off (its wake-up input, or the chip's rail fed from the bench "
    "while the unit is off its cells), then press again"
)
_SEEN_IN_PROOF = ("core", "clocks", "watchdog", "reset_cause", "nrst", "options", "swd", "supply")
_SAYS_NOTHING = ("healthy", "undecided", "quiet")  # it is the job that asks for more
_MAYBE_THE_IMAGE = ("lockup", "not-running", "supply-config", "watchdog-unfed", "reset-loop")
_HOLDS_IMAGE = "The image is written and verified, but the unit does not run it: %s."
_HOLDS_BEFORE = "The unit did not run the image (%s): it holds what it held before, from the backup."
_TOO_LITTLE = "Too little was seen of the unit to say what is wrong; nothing was changed."
_STILL_ON = "Stopped: a rail or current is out of its limits, and this helper cannot switch the unit off."
_SWITCH_OFF = "Switch the unit's supply off now. "
_UNPROVEN = "The image is written and verified; that the unit starts with it is not proven: %s."
_AFTER_RESET = " After a mere reset: %s."
_OFFER = " To have the state before put back, run it again with consent to put-back."
_BAD_WIRE = "swd-unstable"
_RECORD_LOST = "The record could not be saved on the card: "


def conclude(run):
    """Makes the record and saves it on the card and in the helper.

    Returns it as it was stored, and with it as "line_sha256" the SHA-256 of its line, which names it among all others;
    none when no line could be stored."""
    _judge_again(run)
    run.count_resends()
    unproven = run.proof is not None and bool(run.proof["unproven"])
    passed = None if run.proof is None else run.proof["passed"] or (unproven and not run.power.can_switch())
    name = outcome.of_run(
        run.error,
        run.ends_as,
        passed,
        run.erase_begun,
        run.cured,
        _own_data_rewritten(run),
        run.disturbed > 0,
        run.resets.count,
        unproven,
        run.diagnosis is not None and run.diagnosis["cause"] == "reset-loop",
        run.resets.found()["period_ms"],
        "silent" in run.evidence,
    )
    if name == outcomes.CHECK_WIRES and run.error is not None:
        run.error.next_step = _WIRES + (_RINGS if _was_slowest(run) else "")
    elif run.resets.count and run.error is not None and outcome.is_by_reset(run.error):
        run.error.next_step = _NO_RESET
    if "silent" in run.evidence and run.error is not None and run.error.kind == "brown-out":
        run.error.next_step = _KEEP_ALIVE
    if run.resets.count and "nrst" in run.evidence:
        run.evidence["nrst"]["later"] = run.resets.found()
    if passed is False and run.error is None:
        _diagnose_cured(run)
    _tell_disturbances(run)
    if run.cured and _latch_is_shorted(run):
        name = outcomes.NOT_FIRMWARE
    record = _record(run, name)
    card, store = run.ports.card, run.ports.store
    run.note_heap()
    record["heap_free_min"] = run.heap_free_min
    saved = False
    if run.card_mounted:
        try:
            sha256 = records.save_on_card(card, record, store.root)
            saved = True
        except (OSError, RescueError) as error:
            _mark_unsaved(record, error)
    if saved:
        _mirror(card, store)
    else:
        sha256 = _save_in_helper(record, store)
    signing.put(run.ports, sha256, saved)
    card.unmount()
    if sha256 is not None:
        records.name_line(record, sha256)
    return record


def _was_slowest(run):
    return any(attempt["hz"] <= _SLOWEST_HZ and attempt["how"] == "slower" for attempt in run.evidence["swd"]["tries"])


def _tell_disturbances(run):
    told = run.diagnosis["evidence"] if run.diagnosis else []
    resets = run.resets.found()
    if resets["edges"]:
        line = _RESETS % resets["edges"]
        if resets["period_ms"]:
            line += ", every %d ms" % resets["period_ms"]
        told.append(line)
    silent = run.evidence.get("silent")
    if silent:
        told.append(_SILENT % (silent["rail"], silent["ms"]))
    if run.disturbed and "swd" in run.evidence:
        run.evidence["swd"]["disturbed"] = run.disturbed
        if run.disturbed > resets["edges"]:  # else a reset explains each
            told.append(_DISTURBED % run.disturbed)


def _latch_is_shorted(run):
    # Found at the end of the proof: the firmware is in order now, and the unit cannot switch itself off all the same.
    latch = run.evidence.get("latch")
    if run.proof is None or not latch or latch["fell"]:
        return False
    before, run.diagnosis = run.diagnosis, diagnose(_cured(run))
    run.diagnosis["evidence"].append("before the cure: " + before["sentence"])
    return True


def _diagnose_cured(run):
    # The image is on the unit and does not run: what is the matter now is the diagnosis.
    found = diagnose(_cured(run))
    if found["cause"] in _SAYS_NOTHING:
        return
    found["evidence"] += run.proof.get("after_lines") or []
    found["evidence"].append("before the cure: " + run.diagnosis["sentence"])
    run.diagnosis = found
    run.diagnosed_again = True


def _cured(run):
    # The evidence as it is with the image on the unit, from the proof.
    proof = run.proof
    cured = dict(run.evidence)
    for name in ("vectors", "regressed", "unfinished", "version", "marker"):
        cured.pop(name, None)
    if "bootloader" in cured:
        cured["bootloader"] = dict(cured["bootloader"], set=None)  # what its flag asked for is settled
    for name in _SEEN_IN_PROOF:
        seen = cured.pop(name, None)
        if proof.get(name) is not None:
            cured[name] = proof[name]
        elif name == "options" and seen is not None and not option_values.differing(seen, run.job.options):
            cured[name] = seen  # nothing of them was to be written
    if run.resets.count and "nrst" in cured:
        cured["nrst"] = dict(cured["nrst"], later=run.resets.found())
    if "swd" not in cured:
        cured["swd"] = {"how": "attach", "tries": []}
    cured["rails"] = {"on": proof["rails"], "off": None, "trip": None, "ma": None}
    if "dropped" in proof:
        # The chip's supply came up and went away again, with nobody at work on the unit: what was seen then is of that.
        cured["rails"]["on"] = run.evidence["rails"]["on"]
        cured["swd"] = {"how": "attach", "tries": []}
        cured.pop("nrst", None)
        cured["watch"] = {"dropped": proof["dropped"]}
    cured["sectors"] = [dict(sector) for sector in run.evidence.get("sectors") or ()]
    for sector in cured["sectors"]:
        if sector["owned"]:
            sector["state"] = "match"
            sector["torn"] = []
    return cured


def _judge_again(run):
    # A rail that went wrong during the cure, or resets that stopped it, are the cause; what was found before stays in
    # its evidence.
    rails, before = run.evidence["rails"], run.diagnosis
    if not before:
        return
    if run.power.trip is not None and rails["trip"] is None:
        rails["trip"] = run.power.trip
    elif run.resets.count and outcome.is_by_reset(run.error) and "swd" in run.evidence:
        run.evidence["swd"]["error"] = run.error.message
        if "nrst" in run.evidence:
            run.evidence["nrst"]["later"] = run.resets.found()
    else:
        return
    run.diagnosis = diagnose(run.evidence)
    if run.diagnosis["cause"] == _BAD_WIRE and run.power.trip is None:
        run.diagnosis = before  # one reset that was seen is not the wires' fault
        before["evidence"].append("a reset stopped the work: " + run.error.message)
    elif run.diagnosis["cause"] != before["cause"]:
        run.diagnosis["evidence"].append("before it: " + before["sentence"])


def _mirror(card, store):
    try:
        records.mirror_from_card(card.root, store.root)
    except (OSError, MemoryError):
        pass  # it is on the card


def _save_in_helper(record, store):
    try:
        return records.save_in_helper(record, store.root)
    except OSError as error:
        _mark_unsaved(record, error)
        return None


def _mark_unsaved(record, error):
    # A result that nobody can look up later is never green.
    record["record_saved"] = False
    if outcomes.exit_class(record["outcome"]) == 0:
        record["unit_outcome"] = record["outcome"]
        record["outcome"] = outcomes.TOOL_ERROR
        record["sentence"] = _RECORD_LOST + str(error)
        record["next_step"] = "Replace the card and run the job again."


def _own_data_rewritten(run):
    # The unit's own data was written back, and not all of it could be read before; or the job cannot tell it apart.
    if run.plan is None:
        return False
    if hasattr(run.job, "check_config") or run.evidence.get("regressed") or run.plan["put_back"]:
        return True
    if any(step["source"] != "image" and "blank" not in step for step in run.plan["steps"]):
        return True
    word_bytes = run.job.word_bytes
    torn = [address for sector in run.evidence["sectors"] for address in sector["torn"]]
    for region in run.job.preserve:
        if any(address < region.address + region.length and region.address < address + word_bytes for address in torn):
            return True
    return False


def _record(run, name):
    job, error, proof = run.job, run.error, run.proof
    sentence, next_step = outcomes.OUTCOMES[name].sentence, None
    if error is not None:
        sentence, next_step = error.sentence(), error.next_step
        if next_step is None and run.power.trip is not None and run.diagnosis:
            next_step = run.diagnosis["next_step"]
    elif name == outcomes.VERIFIED_UNPROVEN:
        sentence = _UNPROVEN % proof["unproven"]
        if not proof["passed"]:
            sentence += _AFTER_RESET % proof["reason"]
    elif proof is not None and not proof["passed"]:
        sentence = (_HOLDS_IMAGE if proof["holds"] == "image" else _HOLDS_BEFORE) % proof["reason"]
        next_step = "Check that the image fits this board, then the board itself."
        if run.diagnosed_again:
            next_step = run.diagnosis["next_step"]
            if run.diagnosis["cause"] in _MAYBE_THE_IMAGE:
                next_step = "Check that the image fits this board. " + next_step
        if proof["offer"]:
            next_step += _OFFER
    elif run.diagnosis is not None:
        next_step = run.diagnosis["next_step"]
        if name == outcomes.EXAMINED and job.image.segments:
            sentence = _TOO_LITTLE
    next_step = after(name, run, next_step, _own_data_rewritten(run))
    if name == outcomes.UNSAFE and run.keeps_power():
        sentence = _STILL_ON if error is None else sentence
        next_step = _SWITCH_OFF + (next_step or "")
    if job is not None and not job.image.segments and run.backup is not None and error is None:
        sentence = "Learned: what this unit has in its flash is on the card; nothing was changed."
        next_step = "Learned. On a PC: bmsrescue card build --from this card."
    rails = run.evidence["rails"]
    return {
        "format": records.FORMAT,
        "sequence": run.sequence(),
        "helper": run.helper,
        "helper_id": run.ports.helper_id,
        "job": None if job is None or not job.name else _job_facts(job, run.released),
        "unit": run.evidence.get("chip"),
        "diagnosis": run.diagnosis or _not_examined(error),
        "outcome": name,
        "sentence": sentence,
        "next_step": next_step,
        "error": None if error is None else error.to_dict(),
        "resumed": run.resumed,
        "evidence": run.evidence,
        "plan": None if run.plan is None else run.plan["lines"],
        "steps": run.steps,
        "rails": {"off": rails["off"], "on": rails["on"], "proof": None if proof is None else proof["rails"]},
        "sectors": {"before": _states(run.evidence.get("sectors")), "after": _states_after(run)},
        "backup": run.backup,
        "verified": run.verified,
        "proof": proof,
        "consent": run.granted,
        "evidence_ms": _until_diagnosis(run.steps, "energise"),
        "diagnosis_ms": _until_diagnosis(run.steps, "job"),
        "power_cycles": run.power.cycles,
        "swclk_cycles": run.ports.wire.cycles - run.started_cycles,
        "virtual_ms": run.ports.clock.since_ms(run.started_ms),
        "heap_free_min": run.heap_free_min,
        "record_saved": True,
    }


def _job_facts(job, released):
    image = job.image
    return {
        "name": job.name,
        "image": image.file,
        "version": image.version,
        "sha256": image.sha256,
        "mode": job.mode,
        "release": released,  # None: the job is not signed
    }


def _until_diagnosis(steps, first):
    # From the beginning of the step `first` until the diagnosis was known and shown; None where there was none.
    total = None
    for step in steps:
        if step["name"] == first:
            total = 0
        if total is not None:
            total += step["ms"]
        if step["name"] == "diagnosis":
            return total
    return None


def _states(sectors):
    return None if sectors is None else [{"index": s["index"], "state": s["state"]} for s in sectors]


def _states_after(run):
    if not run.image_verified:
        return None
    if run.proof is not None and run.proof["holds"] == "before":
        return _states(run.evidence["sectors"])
    planned = [step["sector"] for step in run.plan["steps"]]
    after = []
    if run.plan["regress"]:
        return [{"index": index, "state": "match"} for index in planned]
    for sector in run.evidence["sectors"]:
        state = sector["state"]
        if sector["owned"]:
            state = "match"
        elif sector["index"] in planned:
            state = "unknown"
        entry = {"index": sector["index"], "state": state}
        if sector["index"] in run.plan["put_back"]:
            entry["put_back"] = True  # something hit it; it holds what it held before
        after.append(entry)
    return after


def _not_examined(error):
    # The job ended before there was anything to judge; the reason stands in for the diagnosis.
    message = "stopped before the unit was examined" if error is None else error.what()
    return {
        "cause": "not-examined",
        "confidence": "certain",
        "sentence": message,
        "evidence": [] if error is None else [error.message],
        "alternatives": [],
        "apart": [],
        "next_step": None if error is None else error.next_step,
    }
