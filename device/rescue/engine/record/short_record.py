# The record of a run whose whole record could not be made, most likely for want of heap: outcome, step and reason.
#
# It is made at the end of that run, or where there is no room even for this, from the run's note, at the next start.

import json
import os

from rescue.engine.own_faults import NOTE
from rescue.engine.record import records, signing
from rescuelink.errors import RescueError

_NOT_EXAMINED = "not-examined"
_LOST = "what was found out about the unit could not be recorded"


def from_note(ports, helper):
    """The record for the note that an earlier run left; None where there is none. Raises OSError."""
    path = ports.store.root + NOTE
    record = None
    try:
        with open(path) as file:
            left = json.load(file)
        record = _make(ports, helper, left, False)
    except (ValueError, LookupError, TypeError):
        pass  # it was cut when it was written
    os.remove(path)
    return record


def of_run(ports, helper, left, card_mounted):
    """The record of the run that has just ended, in place of the note that it wrote."""
    record = _make(ports, helper, left, card_mounted)
    try:
        os.remove(ports.store.root + NOTE)
    except OSError:
        pass  # it could not be written
    return record


def _make(ports, helper, left, card_mounted):
    # Stores what a run has `left` on the card or in the helper, and returns it as it was stored.
    record = {
        "format": records.FORMAT,
        "sequence": records.next_sequence(ports.card.root, ports.store.root),
        "helper": helper,
        "helper_id": ports.helper_id,
        "diagnosis": {
            "cause": left["cause"] or _NOT_EXAMINED,
            "confidence": "possible",
            "sentence": _LOST,
            "evidence": [left["error"]["message"]],
            "alternatives": [],
            "apart": [],
            "next_step": left["error"]["next_step"],
        },
        "next_step": left["error"]["next_step"],
        "evidence": {"chip": left["unit"], "rails": {"off": None, "on": None, "trip": None, "ma": None}},
        "plan": None,
        "rails": {"off": None, "on": None, "proof": None},
        "sectors": {"before": None, "after": None},
        "swclk_cycles": ports.wire.cycles,
        "record_saved": True,
    }
    record.update(left)
    record.pop("cause")
    sha256 = _save(ports, record, card_mounted)
    if sha256 is not None:
        records.name_line(record, sha256)
    ports.observer.event("outcome", {"outcome": record["outcome"], "sentence": record["sentence"]})
    ports.observer.event("record", record)
    return record


def _save(ports, record, card_mounted):
    card, store = ports.card, ports.store.root
    if card_mounted:
        try:
            digest = records.save_on_card(card, record, store)
            records.mirror_from_card(card.root, store)
            signing.put(ports, digest, True)
            return digest
        except (OSError, RescueError):
            record["record_saved"] = False
        finally:
            card.unmount()
    try:
        digest = records.save_in_helper(record, store)
        signing.put(ports, digest, False)
        return digest
    except OSError:
        record["record_saved"] = False  # nothing takes it: it is on the screen
    return None
