# The record of a run: one sealed line, appended on the card, read back, and mirrored in the helper's own flash.
#
# The chain follows the card's last line; a card without records continues the helper's own. The mirror rotates between
# two files, so that it always holds at least the newest 256 KiB (some 50 records).

import os

from micropython import const

from rescue.engine.common import files
from rescue.engine.record import sealed_line

FORMAT = "bmsrescue-record/1"
_NAME = "/records.jsonl"
_OLD = "/records.old.jsonl"
_SUFFIX = ".jsonl"
_ASIDE = "-aside-%d.jsonl"
_EIO = const(5)
_MOST_ASIDE = const(20)
# A card may say any number: the helper would count on from it, for ever, beyond 2 ** 53 where no bench counts.
_MOST_OF_A_CARD = const(1_000_000_000)
_MOST = 2_000_000_000
_MIRROR_BYTES = const(256 * 1024)


def next_sequence(card_root, store_root):
    """One more than the highest sequence number that the card's and the helper's last records have."""
    of_card, own = _last_sequence(_card_path(card_root)), _last_sequence(store_root + _NAME)
    if of_card > _MOST_OF_A_CARD:
        of_card = 0
    if own > _MOST:
        own = _MOST_OF_A_CARD  # as an agent of before counted on from such a card
    return max(of_card, own) + 1


def save_on_card(card, record, store_root):
    """Appends and reads back after a new mount; returns the line's SHA-256. Raises CardError or OSError."""
    files.make_directory(card.root + "/records")
    path = _card_path(card.root)
    try:
        written = _append(path, record, store_root)
    except OSError as error:
        record["set_aside"] = _set_aside(path, error)
        written = _append(path, record, store_root)
    card.unmount()
    card.mount()
    if _last_hash(path) != written:
        raise files.card_error("the record does not read back", OSError(5))
    return written


def _append(path, record, store_root):
    return sealed_line.append(path, record, _last_hash(path) or _last_hash(store_root + _NAME))


def _set_aside(path, error):
    """Renames records whose end cannot be read, and returns their new name. Raises `error` where that is not so.

    A card whose last blocks were lost in a power cut has a file that is longer than what the FAT has of it.
    """
    if error.errno != _EIO:
        raise error
    number = 1
    while files.exists(path[: -len(_SUFFIX)] + _ASIDE % number):
        number += 1
        if number > _MOST_ASIDE:
            raise error
    to_path = path[: -len(_SUFFIX)] + _ASIDE % number
    try:
        os.rename(path, to_path)
    except OSError:
        raise error from None  # the card does not answer at all
    return to_path[to_path.rfind("/") + 1 :]


def mirror_from_card(card_root, store_root):
    """Copies the card's last record to the helper's own. Raises OSError."""
    path = _card_path(card_root)
    line = sealed_line.find_last(path)
    if line is not None:
        _rotate(store_root)
        sealed_line.copy(path, line, store_root + _NAME)


def name_line(record, sha256):
    """Adds "line_sha256" to a record that is stored. Where there is no room for it the record goes without."""
    try:
        record["line_sha256"] = sha256
    except MemoryError:
        pass  # a second record of the same press would be worse


def save_in_helper(record, store_root):
    """Appends to the helper's own records; returns the line's SHA-256. Raises OSError."""
    previous = _last_hash(store_root + _NAME)
    _rotate(store_root)
    return sealed_line.append(store_root + _NAME, record, previous)


def _last_sequence(path):
    try:
        line = sealed_line.find_last(path)
        return 0 if line is None else sealed_line.read_sequence(path, line)
    except OSError:
        return 0  # whoever needs the card will say so


def _last_hash(path):
    line = sealed_line.find_last(path)
    return "" if line is None else sealed_line.read_hash(path, line)


def _rotate(store_root):
    path = store_root + _NAME
    if files.exists(path) and os.stat(path)[6] > _MIRROR_BYTES:
        if files.exists(store_root + _OLD):
            os.remove(store_root + _OLD)
        os.rename(path, store_root + _OLD)


def _card_path(root):
    return root + "/records" + _NAME
