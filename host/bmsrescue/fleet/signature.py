"""Signs what a webhook tells, as Standard Webhooks has it (standardwebhooks.com, specification 1.0.0).

HMAC-SHA256 with a shared secret over "id.timestamp.body", in three headers. A receiver that is told an old message
again, or one that somebody else made, can tell.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from bmsrescue.errors import HostError, UsageError
from bmsrescue.private import FILE_MODE

SECRET_FILE = "webhook-secret"
_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES, _NEW_BYTES = 24, 64, 32


def read_secret(text: str) -> bytes:
    """The key in "whsec_BASE64". Raises UsageError."""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise UsageError(
            f"a webhook's secret is {_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64",
            "Correct webhook_secret, or leave it out: one is made in the data folder.",
        )
    return key


def kept_secret(folder: Path) -> bytes:
    """The key in the data folder, which is made when there is none. Raises HostError."""
    path = folder / SECRET_FILE
    try:
        if not path.exists():
            text = _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "w") as file:
                file.write(text + "\n")
        return read_secret(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise HostError(f"cannot keep the webhook's secret: {error}", f"Look at {path}.") from error


def signed(key: bytes, number: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a message."""
    content = f"{number}.{at_s}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": number, "webhook-timestamp": str(at_s), "webhook-signature": f"v1,{signature}"}
