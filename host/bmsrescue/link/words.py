"""The one place where a helper's words enter the host: behind it there are plain values of bounded depth and number.

Whatever comes (an answer, an event, a result that was parked) is as MessagePack and JSON make it: any type, any depth,
numbers without end, text that is none. Behind `plain` everything can be shown, stored, and sent on as JSON.
"""

from __future__ import annotations

import math
from typing import Any

from rescuelink.errors import LinkError

MAX_DEPTH = 16  # of arrays and maps; an agent nests 12 at most (rescuelink.codec)
MAX_VALUES = 20_000  # in one message: a record has some hundred
_MAX_BITS = 64
_VALUE_BYTES = 64  # what any value takes beside its characters


def plain(value: Any) -> Any:
    """`value`, if it is made of nil, bool, numbers, text, binary, lists, and maps whose keys are text or integers.

    A float that is no number becomes None, half a surrogate pair a question mark.

    Raises:
        LinkError: kind "malformed": other types, too deep, too many, an integer beyond 64 bits.
    """
    return _plain(value, MAX_DEPTH, [MAX_VALUES])


def weight(value: Any) -> int:
    """Roughly the bytes that a plain value takes."""
    if isinstance(value, str | bytes):
        return _VALUE_BYTES + len(value)
    if isinstance(value, dict):
        return _VALUE_BYTES + sum(weight(key) + weight(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return _VALUE_BYTES + sum(map(weight, value))
    return _VALUE_BYTES


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise _malformed("it has more values than any helper's")
    if value is None or isinstance(value, bool | bytes):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise _malformed("a number has more than 64 bits")
        return value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth == 0:
        raise _malformed("it is nested too deeply")
    if type(value) in (list, tuple):  # not MessagePack's own extensions, which are named tuples
        return [_plain(item, depth - 1, left) for item in value]
    if isinstance(value, dict):
        return {_key(key, left): _plain(item, depth - 1, left) for key, item in value.items()}
    raise _malformed(f"a {type(value).__name__} is in it")


def _key(key: Any, left: list[int]) -> Any:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise _malformed(f"a {type(key).__name__} is a key in it")
    return _plain(key, 0, left)


def _malformed(why: str) -> LinkError:
    return LinkError(
        "malformed",
        f"what the helper says makes no sense: {why}",
        next_step="put the agent on this helper again with `bmsrescue deploy`",
    )
