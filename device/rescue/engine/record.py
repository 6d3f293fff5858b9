# The record of a run: one sealed line, appended on the card, read back, and mirrored in the helper's own flash.
#
# The chain follows the card's last line; a card without records continues the helper's own. The mirror rotates between
# two files, so that it always holds at least the newest 256 KiB (some 50 records).

import json
import os

from micropython import const

from rescue.engine import files
from rescuelink import chain

FORMAT = "bmsrescue-record/1"
_NAME = "/records.jsonl"
_OLD = "/records.old.jsonl"
_MIRROR_BYTES = const(256 * 1024)


def next_sequence(card_root, store_root):
    """One more than the highest sequence number that the card's and the helper's last records have."""
    highest = 0
    for path in (_card_path(card_root), store_root + _NAME):
        line = files.last_line(path)
        if line and not chain.damage(line):
            highest = max(highest, json.loads(line).get("sequence", 0))
    return highest + 1


def save_on_card(card, record, store_root):
    """Appends and reads back after a new mount. Raises CardError or OSError; returns the line."""
    files.make_directory(card.root + "/records")
    path = _card_path(card.root)
    line = seal(record, card.root, store_root)
    files.append_line(path, line)
    card.unmount()
    card.mount()
    if files.last_line(path) != line:
        raise files.card_error("the record does not read back", OSError(5))
    return line


def seal(record, card_root, store_root):
    """The record as a line that follows the last one of the card, or of the helper when the card has none."""
    last = files.last_line(_card_path(card_root)) if card_root else ""
    if not last and store_root:
        last = files.last_line(store_root + _NAME)
    return chain.seal(record, chain.line_hash(last) if last else "")


def mirror(store_root, line):
    """Appends the line to the helper's own records. Raises OSError."""
    path = store_root + _NAME
    if files.exists(path) and os.stat(path)[6] > _MIRROR_BYTES:
        if files.exists(store_root + _OLD):
            os.remove(store_root + _OLD)
        os.rename(path, store_root + _OLD)
    files.append_line(path, line)


def _card_path(root):
    return root + "/records" + _NAME
