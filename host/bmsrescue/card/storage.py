"""A card on the host's disk: a folder, or a raw FAT image. Loaded for a run, and completed with what the run left.

What was on a card is never lost: files are added or replaced by whole new ones, an image file is replaced in one step,
and in a folder only a run that ended by itself may take a file away.
"""

import os
import tempfile
from pathlib import Path

from bmsrescue.card.fat import CardImageError, make_image, read_files
from bmsrescue.errors import HostError, UsageError

IMAGE_SUFFIX = ".img"
_KEPT_FOLDERS = ("records", "backups")


class CardStorageError(HostError):
    """The card's folder or image file cannot be read or written."""


def load_card(path: Path) -> bytearray | None:
    """Return the FAT image for a run: of the folder's files, or the image file as it is. None where nothing is.

    Raises:
        CardStorageError: it is there, but cannot be read.
    """
    if not path.exists():
        return None
    if path.is_dir():
        return make_image(_folder_files(path))
    try:
        return bytearray(path.read_bytes())
    except OSError as error:
        raise _refused("read", path, error) from error


def save_card(path: Path, image: bytearray, complete: bool = True) -> list[str]:
    """Put what a run changed back where the card came from; return the names of the new or changed files.

    complete: the run ended by itself, so that a file which is gone was taken away on purpose (a journal that is done
    with); records and backups stay whatever happens.

    Raises:
        CardStorageError: it cannot be written. The card's folder or image is then as it was before.
        CardImageError: the run left a card that cannot be read; its raw image is kept beside the folder.
    """
    if not path.is_dir():
        write_atomically(path, image)
        return [path.name]
    try:
        files = read_files(image)
    except CardImageError as error:
        kept = path.with_name(path.name + ".damaged" + IMAGE_SUFFIX)
        write_atomically(kept, image)
        raise CardImageError(f"the run left a damaged card: {error.message}", f"Its raw image is {kept}.") from error
    before = _folder_files(path)
    there = {name.lower(): name for name in before}  # a FAT card may give a name back in capitals
    changed = []
    for name, data in files.items():
        name = there.get(name.lower(), name)
        if before.get(name) != data:
            write_atomically(path / name, data)
            changed.append(name)
    if complete:
        left = {name.lower() for name in files}
        for name in before:
            if name.lower() not in left and name.partition("/")[0].lower() not in _KEPT_FOLDERS:
                (path / name).unlink(missing_ok=True)
    return sorted(changed)


def read_card(path: Path) -> dict[str, bytes]:
    """Return the files of a card, folder or image.

    Raises:
        UsageError: there is nothing at `path`.
        CardStorageError, CardImageError: it cannot be read.
    """
    if path.is_dir():
        return _folder_files(path)
    image = load_card(path)
    if image is None:
        raise UsageError(f"there is no card at {path}", "Make one with: bmsrescue card build")
    return read_files(image)


def write_new_card(path: Path, files: dict[str, bytes]) -> None:
    """Make the card at `path`: a raw FAT image when the name ends in .img, else a folder.

    A folder may exist: job and image are replaced, records and backups stay. An image file that exists is completed in
    the same way.

    Raises:
        CardStorageError, CardImageError: it cannot be read or written.
    """
    if path.suffix.lower() != IMAGE_SUFFIX:
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} exists and is a file", f"Name a folder, or a file that ends in {IMAGE_SUFFIX}.")
        for name, data in files.items():
            write_atomically(path / name, data)
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Give the image another name.")
    older = read_card(path) if path.exists() else {}
    write_atomically(path, make_image({**older, **files}))


def write_atomically(path: Path, data: bytes | bytearray, private: bool = False) -> None:
    """Write a whole file in place of an older one, or leave that one as it is. `private`: only its owner may read it.

    Raises:
        CardStorageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not private:  # as it is made
                temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _refused("write", path, error) from error


def _folder_files(folder: Path) -> dict[str, bytes]:
    # As a FAT card can hold them: it takes no two names that differ in capitals alone.
    files: dict[str, bytes] = {}
    names: dict[str, str] = {}
    try:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            twin = names.setdefault(name.lower(), name)
            if twin != name:
                raise CardStorageError(
                    f"{twin} and {name} in {folder} are one name on a FAT card", "Rename one of them."
                )
            files[name] = path.read_bytes()
    except OSError as error:
        raise _refused("read", folder, error) from error
    return files


def _refused(act: str, path: Path, error: OSError) -> CardStorageError:
    return CardStorageError(
        f"cannot {act} {path}: {error.strerror}", "Check the permissions and the space on the disk."
    )
