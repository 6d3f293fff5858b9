"""What a helper keeps of keys in its own flash.

Whose jobs it runs (device/rescue/engine/job/released.py), and its own to sign records with
(device/rescue/engine/record/signing.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from bmsrescue.deploy import snippets
from bmsrescue.deploy.bring import write_file
from bmsrescue.deploy.repl import Repl
from bmsrescue.keys.pem import KeyFileError, new_secret, public_of, secret_from, secret_of
from bmsrescue.keys.store import TRUST_FILE, trust_text
from rescuelink.manifest import key_id

STORE = "/flash"
"""As `rescue.hal.store` has it."""
_NEW = ".new"
_READ = """
try:
    print(repr(open(NAME).read()))
except OSError:
    print(None)
"""
# Where a file system replaces nothing by renaming (FAT), the old one goes first.
_REPLACE = """
import os
try:
    os.rename(NEW_PLACE, PLACE)
except OSError:
    os.remove(PLACE)
    os.rename(NEW_PLACE, PLACE)
"""
_REMOVE = """
import os
try:
    os.remove(NAME)
except OSError:
    pass
"""
_ID = """
import binascii
import machine
print(repr(binascii.hexlify(machine.unique_id()).decode()))
"""


def trusted_there(repl: Repl) -> list[str] | None:
    """The numbers of the keys whose jobs the helper runs; None on one for development. Raises LinkError."""
    text = repl.value(_READ, NAME=_place())
    if text is None:
        return None
    lines = str(text).split()
    return [key_id(bytes.fromhex(line)) for line in lines if len(line) == 128 and set(line) <= set("0123456789abcdef")]


def set_trusted(repl: Repl, keys: Sequence[bytes]) -> None:
    """These keys and no others; none makes it a helper for development. Raises LinkError."""
    if not keys:
        for place in (_place(), _place() + _NEW):
            repl.run(_REMOVE, NAME=place)
        return
    _put(repl, _place(), trust_text(keys))


def own_key(repl: Repl) -> bytes:
    """The public half of the helper's own key, which it is given now where it has none. Raises LinkError."""
    text = repl.value(_READ, NAME=_own_place())
    if text is None:
        _put(repl, _own_place(), f"{secret_of(new_secret()).hex()}\n".encode())
        text = repl.value(_READ, NAME=_own_place())
    try:
        return public_of(secret_from(bytes.fromhex(str(text))))
    except ValueError:
        raise KeyFileError(
            f"{_own_place()} of the helper holds no key", "Remove it there and deploy again: it gets a new one."
        ) from None


def helper_id(repl: Repl) -> str:
    """The number that the helper's hardware has (device/rescue/hal/board.py). Raises LinkError."""
    return str(repl.value(_ID))


def _put(repl: Repl, place: str, data: bytes) -> None:
    repl.run(snippets.MAKE_DIRECTORIES, NAMES=[STORE])
    repl.ready_to_send(snippets.RECEIVE)
    new = place + _NEW
    write_file(repl, new, data)
    repl.run(_REPLACE, NEW_PLACE=new, PLACE=place)


def _place() -> str:
    return f"{STORE}/{TRUST_FILE}"


def _own_place() -> str:
    return f"{STORE}/helper.key"
