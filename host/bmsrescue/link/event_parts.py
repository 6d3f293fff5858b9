"""Events that are larger than a frame come in parts (docs/protocol.md, "Events")."""

import json
from typing import Any

_AT_MOST_BYTES = 1 << 17  # an agent in order sends records of some 10 KiB


class EventParts:
    """Puts them together. An event that has lost a part is lost as a whole; the next one is not."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._next = 0

    def add(self, part: Any) -> tuple[str, Any] | None:
        """(name, data) when `part` was the last one of an event."""
        match part:
            case [int(index), bool(is_last), bytes(data)]:
                pass
            case _:
                return None
        if index == 0:
            self._data.clear()
        elif index != self._next:
            self._next = 0
            return None
        self._data += data
        self._next = index + 1
        if len(self._data) > _AT_MOST_BYTES:
            self._next = 0
            return None
        if not is_last:
            return None
        self._next = 0
        try:
            whole = json.loads(self._data)
        except (ValueError, RecursionError):
            return None
        match whole:
            case [str(name), event]:
                return name, event
            case _:
                return None
