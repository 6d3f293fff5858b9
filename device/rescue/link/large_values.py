# What is larger than a frame, as JSON: a result waits in the helper's flash and is fetched a window at a time, an event
# goes out in parts. Neither text is ever whole in the heap. Loaded for the moment that it is needed.

import io
import json
import os

from micropython import const

from rescuelink import rpc

_PART_BYTES = const(1024)
_AROUND_BYTES = const(32)  # what else stands in a part's body


class _Parts(io.IOBase):
    """A stream for json.dump."""

    def __init__(self, channel):
        self._channel = channel
        self._data = bytearray(min(_PART_BYTES, channel.room() - _AROUND_BYTES))
        self._used = 0
        self._index = 0

    def write(self, data):
        for byte in data:
            if self._used == len(self._data):
                self.send(False)
            self._data[self._used] = byte
            self._used += 1
        return len(data)

    def send(self, is_last):
        self._channel.notify(rpc.PART, [self._index, is_last, memoryview(self._data)[: self._used]])
        self._index += 1
        self._used = 0


def tell(channel, name, data):
    """The event as parts [index, whether it is the last, binary]: together the JSON of [name, data]."""
    parts = _Parts(channel)
    json.dump((name, data), parts)
    parts.send(True)


def park(root, result):
    """Keep `result`; returns the bytes of its JSON. Raises OSError when the helper's flash does not take it."""
    with open(_path(root), "w") as file:
        json.dump(result, file)
    return os.stat(_path(root))[6]


def window(root, offset, view):
    """The bytes of a kept result from `offset`, in `view`. Raises OSError."""
    with open(_path(root), "rb") as file:
        file.seek(offset)
        return view[: file.readinto(view)]


def _path(root):
    return root + "/result.json"
