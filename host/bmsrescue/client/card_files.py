"""Files of the helper's card, moved in windows; a copy is checked by its SHA-256, read back from the card."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from bmsrescue.client.session import CALL_S, SLOW_S, Session
from rescuelink.errors import CardError
from rescuelink.rpc import WINDOW_BYTES

Progress = Callable[[str, int, int], None]

_HOLD_S = 15.0
_LISTED = 64  # entries in one answer


class Entry(NamedTuple):
    """A file or directory of the card."""

    name: str
    size: int
    directory: bool


def list_card(session: Session, path: str = "") -> list[Entry]:
    """A directory, sorted by name. Raises CardError."""
    entries: list[Entry] = []
    while True:
        page = session.call("card.list", path, len(entries), timeout_s=CALL_S)
        entries += [Entry(name, size, directory) for name, size, directory in page]
        if len(page) < _LISTED:
            return sorted(entries)


def get_file(session: Session, path: str, progress: Progress) -> bytes:
    """A whole file. Raises CardError."""
    size = session.call("card.size", path)
    data = bytearray()
    while len(data) < size:
        window = session.call("card.read", path, len(data), WINDOW_BYTES)
        if not window:
            raise CardError("short", f"{path} ends after {len(data)} of {size} bytes")
        data += window
        progress(path, len(data), size)
    return bytes(data)


def put_file(session: Session, path: str, data: bytes, progress: Progress) -> bool:
    """Copy to the card unless the same file is there already; returns whether it was copied. Raises CardError."""
    digest = hashlib.sha256(data).hexdigest()
    if _hash_there(session, path) == digest:
        return False
    directory, _slash, _name = path.strip("/").rpartition("/")
    with session.alone(_HOLD_S):
        if directory:
            session.call("card.mkdir", directory)
        session.write_file(path, data, lambda arrived: progress(path, arrived, len(data)))
        session.call("card.close", timeout_s=SLOW_S)
        if _hash_there(session, path) != digest:
            raise CardError("verify", f"{path} does not read back from the card", next_step="use another card")
    return True


def _hash_there(session: Session, path: str) -> str | None:
    try:
        found: str = session.call("card.hash", path, timeout_s=SLOW_S)
    except CardError as error:
        if error.kind == "missing":
            return None
        raise
    return found
