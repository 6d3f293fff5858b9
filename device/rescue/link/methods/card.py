# card.*: files on the helper's card, in windows with offsets, so that a broken copy goes on where it stopped.
# A path is relative to the card's root.

import os

from rescue.engine.common import files
from rescuelink import rpc
from rescuelink.errors import CardError, LinkError, RescueError

_KEPT = ("records", "backups")
_NAMES = 64  # of one directory in one answer
_DIRECTORY = 0x4000


def list(work, path="", skip=0):  # noqa: A001 - the method's name on the link
    """[[name, size, is directory], ...] from entry `skip` on, at most 64; names in ASCII only."""
    path = _path(work, path)
    entries = []
    try:
        found = os.ilistdir(path)
        while len(entries) < _NAMES:
            try:
                entry = next(found)
            except StopIteration:
                break
            except UnicodeError:
                continue  # a name outside ASCII, in the code page of MS-DOS
            if skip > 0:
                skip -= 1
            else:
                entries.append([entry[0], entry[3] if len(entry) > 3 else 0, entry[1] == _DIRECTORY])
    except OSError as error:
        raise files.card_error("cannot list " + path, error) from None
    return entries


def read(work, path, offset, length):
    """Binary from `offset`, shorter than `length` (at most 2048) at the end of the file."""
    path = _path(work, path)
    data = work.window(max(0, min(length, rpc.WINDOW_BYTES)))
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return data[: file.readinto(data)]
    except OSError as error:
        raise files.card_error("cannot read " + path, error) from None


class _Writing:
    """A file that is kept open from window to window; `path` as the host gave it."""

    def __init__(self, work, path, offset):
        self.path = path
        self.length = offset
        self.error = None  # of what was not answered
        path = _path(work, path)
        _refuse_kept(work, path)
        try:
            self._file = open(path, "r+b" if offset else "wb")  # noqa: SIM115 - see above
            self._file.seek(offset)
        except OSError as error:
            raise files.card_error("cannot write " + path, error) from None

    def take(self, params):
        # [offset, binary]. What is not the next window, because one before it was lost, is not taken.
        try:
            offset, data = params
            if offset == self.length and self.error is None:
                self.append(data)
        except RescueError as error:
            self.error = error
        except (TypeError, ValueError):
            pass  # no window

    def append(self, data):
        try:
            self._file.write(data)
        except OSError as error:
            raise files.card_error("cannot write " + self.path, error) from None
        self.length += len(data)
        return self.length

    def close(self):
        try:
            self._file.close()
        except OSError as error:
            raise files.card_error("cannot complete " + self.path, error) from None
        files.sync()
        if self.error is not None:
            raise self.error


def write(work, path, offset, data):
    """Write a window at `offset`; offset 0 begins the file anew. Returns the file's length so far."""
    file = work.file
    if file is None or path != file.path or offset != file.length:
        close(work)
        file = work.file = _Writing(work, path, offset)
    try:
        return file.append(data)
    except CardError:
        close(work)
        raise


def written(work):
    """The length so far of the file that is being written, `data` before this included. Raises its error."""
    file = work.file
    if file is None:
        raise CardError("closed", "no file is being written")
    if file.error is not None:
        close(work)  # raises it
    return file.length


def close(work):
    """The written file is complete and on the card. Raises what befell its `data`."""
    file, work.file = work.file, None
    if file is not None:
        file.close()


def size(work, path):
    """Bytes. Raises CardError (missing)."""
    return files.size_of(_path(work, path))


def hash(work, path):  # noqa: A001 - the method's name on the link
    """SHA-256 of a file, read back from the card, as hex."""
    import binascii
    import hashlib

    path = _path(work, path)
    digest = hashlib.sha256()
    data = work.window(rpc.WINDOW_BYTES)
    try:
        with open(path, "rb") as file:
            count = file.readinto(data)
            while count:
                digest.update(data[:count])
                work.listen()
                count = file.readinto(data)
    except OSError as error:
        raise files.card_error("cannot read " + path, error) from None
    return binascii.hexlify(digest.digest()).decode()


def remove(work, path):
    """Delete a file, or an empty directory. Records and backups are never deleted from here."""
    path = _path(work, path)
    _refuse_kept(work, path)
    try:
        if os.stat(path)[0] & _DIRECTORY:
            os.rmdir(path)
        else:
            os.remove(path)
    except OSError as error:
        raise files.card_error("cannot delete " + path, error) from None


def _refuse_kept(work, path):
    # FAT knows no case, and takes a name with dots or blanks behind it for the same one.
    for part in path[len(work.ports.card.root) :].lower().split("/"):
        part = part.strip(" .")
        if part:
            if part in _KEPT:
                raise CardError("kept", "records and backups are not changed over the link")
            return


def mkdir(work, path):
    """A directory; harmless when it is there."""
    path = _path(work, path)
    _refuse_kept(work, path)
    files.make_directory(path)


def free(work):
    """Free bytes."""
    _path(work, "")
    return work.ports.card.free_bytes(work.ports.clock.feed)


def _path(work, path):
    # FAT's driver takes a backslash for a slash, and ends a name at a control character.
    if ".." in path.split("/") or "\\" in path or min(path or "/") < " ":
        raise LinkError("bad_params", "a path stays on the card")
    work.ports.card.mount()
    return work.ports.card.root + ("/" + path.strip("/") if path.strip("/") else "")


CALLS = {
    "list": (list, "?si"),
    "read": (read, "sii"),
    "write": (write, "siB"),
    "written": (written, ""),
    "close": (close, ""),
    "size": (size, "s"),
    "hash": (hash, "s"),
    "remove": (remove, "s"),
    "mkdir": (mkdir, "s"),
    "free": (free, ""),
}
