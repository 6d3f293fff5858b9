"""Results of the link as JSON: binary becomes {"base64": "..."}, everything else is JSON already."""

import base64
import binascii
from typing import Any

from rescuelink.errors import LinkError

_KEY = "base64"


def to_json(value: Any) -> Any:
    """`value` with its binary parts as {"base64": text}."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {_KEY: base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """What `to_json` was given. Raises `LinkError` (bad_params) for text that is no base64."""
    if isinstance(value, dict):
        if value.keys() == {_KEY}:
            try:
                return base64.b64decode(value[_KEY], validate=True)
            except (binascii.Error, TypeError, ValueError):
                raise LinkError("bad_params", 'binary is given as {"base64": text}') from None
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value
