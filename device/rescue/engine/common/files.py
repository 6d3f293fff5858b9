# Small file habits that every part of the engine shares: a card can be full, torn or pulled at any moment.
#
# Bulk data moves through one 2 KiB buffer, allocated once at start while the heap is whole.

import os

from micropython import const

from rescuelink.errors import CardError

CHUNK = const(2048)
buffer = bytearray(CHUNK)
view = memoryview(buffer)
_ADD_IT = "copy it there, or make the card anew with: bmsrescue card build"


def exists(path):
    """Whether a file or directory is there; False as well when the card does not answer."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def is_absent(path):
    """Whether there is certainly no such file. False as well where a file system cannot say: what a file forbids stays
    forbidden when the flash that it lies in is damaged."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == 2
    return False


def make_directory(path):
    """Creates `path` unless it is there. Raises CardError."""
    if exists(path):
        return
    try:
        os.mkdir(path)
    except OSError as error:
        raise card_error("cannot create " + path, error) from None


def size_of(path):
    """Length of a file in bytes. Raises CardError when it is missing."""
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno == 2:
            raise missing(path) from None
        raise card_error("cannot read " + path, error) from None
    if found[0] & 0x4000:  # a folder
        raise missing(path)
    return found[6]


def missing(path):
    """The error for a file that is not there."""
    name = path[path.rfind("/") + 1 :]
    return CardError("missing", name + " is missing on the card", next_step=_ADD_IT)


def append_line(path, line):
    """Appends a line and forces it out of every buffer. A torn last line is closed off first. Raises OSError."""
    with open_to_append(path) as file:
        file.write(line.encode())
        file.write(b"\n")
        file.flush()
    sync()


def open_to_append(path):
    """The file for bytes after its last line; a torn last line is closed off. Raises OSError."""
    torn = _ends_torn(path)
    file = open(path, "ab")  # noqa: SIM115 - the caller closes it
    if torn:
        file.write(b"\n")
    return file


def _ends_torn(path):
    try:
        with open(path, "rb") as file:
            if not file.seek(0, 2):
                return False
            file.seek(-1, 2)
            return file.read(1) != b"\n"
    except OSError:
        return False  # not there yet


def sync():
    """Writes out what the file system still holds, on ports that can say so."""
    if hasattr(os, "sync"):
        os.sync()


def card_error(what, error):
    """A CardError from an OSError, with a next step that fits its number."""
    number = error.errno if hasattr(error, "errno") else None
    if number == 28:
        return CardError("full", what + ": the card is full", next_step="free some space on it")
    if number == 13:  # FatFs says "denied" for a folder without room, too
        message = what + ": the card has no room for it, or it is write-protected"
        return CardError("full", message, next_step="free some space on it, or take another card")
    if number == 2:
        return CardError("missing", what, next_step=_ADD_IT)
    return CardError("io", what + " (error %s)" % number, next_step="try another card, or write this one anew")
