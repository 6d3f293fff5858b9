"""What a helper keeps of keys in its own flash: whose jobs it runs (device/rescue/engine/job/released.py)."""

from __future__ import annotations

from collections.abc import Sequence

from bmsrescue.deploy import snippets
from bmsrescue.deploy.bring import write_file
from bmsrescue.deploy.repl import Repl
from rescuelink.manifest import key_id

STORE = "/flash"
"""As `rescue.hal.store` has it."""
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
        repl.run(_REMOVE, NAME=_place())
        return
    repl.run(snippets.MAKE_DIRECTORIES, NAMES=[STORE])
    repl.ready_to_send(snippets.RECEIVE)
    new = _place() + ".new"
    write_file(repl, new, "".join(f"{key.hex()}\n" for key in keys).encode())
    repl.run(_REPLACE, NEW_PLACE=new, PLACE=_place())


def _place() -> str:
    return f"{STORE}/trust.txt"
