# records.*: the sealed records, as lines, from the card or from the helper's own flash, and their signatures.

import os

from rescue.engine.common import files
from rescue.engine.own_faults import NOTE
from rescuelink import rpc
from rescuelink.errors import LinkError

_PLACES = {
    "card": "/records/records.jsonl",
    "helper": "/records.jsonl",
    "helper-old": "/records.old.jsonl",
    "card-signed": "/records/signatures.txt",
    "helper-signed": "/signatures.txt",
}


def sizes(work):
    """{"card", "helper", "helper-old", "card-signed", "helper-signed"}: bytes of each file, 0 where there is none."""
    if files.exists(work.ports.store.root + NOTE):
        # Of a run for whose record the heap had no room.
        from rescue.engine.record.short_record import from_note

        from_note(work.ports, work.config.get("helper", "helper"))
    found = {}
    for place in _PLACES:
        if place.startswith("card") and "card" in work.ports.missing:
            found[place] = 0
            continue
        try:
            found[place] = os.stat(_path(work, place))[6]
        except OSError:
            found[place] = 0
    return found


def read(work, place, offset):
    """A window of a file of records from `offset`; empty at its end."""
    data = work.window(rpc.WINDOW_BYTES)
    path = _path(work, place)
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return data[: file.readinto(data)]
    except OSError as error:
        raise files.card_error("cannot read the records", error) from None


def _path(work, place):
    if place not in _PLACES:
        raise LinkError("bad_params", "a place is one of " + ", ".join(_PLACES))
    root = work.ports.store.root
    if place.startswith("card"):
        work.ports.card.mount()
        root = work.ports.card.root
    return root + _PLACES[place]


CALLS = {
    "sizes": (sizes, ""),
    "read": (read, "si"),
}
