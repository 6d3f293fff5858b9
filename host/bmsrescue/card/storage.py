"""A card on the host's disk: a folder, or a FAT image. Loaded for a run, and completed with what the run left.

What was on a card is never lost. An image file is changed in place, block by block: files, names, label and partition
table that nobody asked about stay. A folder gets what a run made or changed, as whole new files; only what the run
itself took away, and had been given, goes from it.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bmsrescue.card.fat import CardFiles, CardImageError, make_image, read_files, write_files
from bmsrescue.card.fat_check import examine
from bmsrescue.card.image_bytes import FileImage, ImageBytes
from bmsrescue.errors import HostError, UsageError

IMAGE_SUFFIX = ".img"
_KEPT_FOLDERS = ("records", "backups")
# What a job needs lies in these folders, or beside job.json with one of these endings.
_OWN_SUFFIXES = (".json", ".jsonl", ".bin")
# Of all else in a folder, the smallest files come along: a film beside the job is no business of the dongle's.
_OTHER_BYTES = 64 << 20
_MOST_OTHERS = 100  # the top folder of a small FAT card holds 512 names, and a long one takes several places
_NOT_IN_FAT = set('"*:<>?|\\\x7f')
_MOST_NAME = 255


class CardStorageError(HostError):
    """The card's folder or image file cannot be read or written."""


class FolderCard(bytearray):
    """The FAT image that was made of a folder. `loaded`: the files that were put into it."""

    loaded: dict[str, bytes]


class FolderFiles(Mapping[str, bytes]):
    """The files of a folder by their paths (relative, with "/"), each read when it is asked for.

    A name is found in capitals or not, as FAT has it. A link that leads out of the folder is none of them.

    Raises:
        CardStorageError: two names are one on a FAT card; or a file that is asked for cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, str] = {}
        root = folder.resolve()
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or (path.is_symlink() and root not in path.resolve().parents):
                continue
            name = path.relative_to(folder).as_posix()
            twin = self._names.setdefault(name.lower(), name)
            if twin != name:
                raise CardStorageError(
                    f"{twin} and {name} in {folder} are one name on a FAT card", "Rename one of them."
                )

    def __getitem__(self, name: str) -> bytes:
        path = self._folder / self._names[name.lower()]
        try:
            return path.read_bytes()
        except OSError as error:
            raise _refused("read", path, error) from error

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __len__(self) -> int:
        return len(self._names)

    def name_of(self, name: str) -> str:
        """`name` as the folder spells it, if it has it."""
        return self._names.get(name.lower(), name)


def load_card(path: Path) -> ImageBytes | None:
    """Return the FAT image for a run: of the folder's files, or the image file as it is. None where nothing is.

    Raises:
        CardStorageError: it is there, but cannot be read.
    """
    if not path.exists():
        return None
    if path.is_dir():
        files = _for_a_run(path, FolderFiles(path))
        card = FolderCard(make_image(files))
        card.loaded = files
        return card
    return _opened(path)


def save_card(path: Path, image: ImageBytes, complete: bool = True) -> list[str]:
    """Put what a run changed back where `load_card` had the card from; return the names of the new or changed files.

    complete: the run ended by itself, so that a file which is gone was taken away on purpose (a journal that is done
    with); records and backups stay whatever happens.

    Raises:
        CardStorageError: it cannot be written.
        CardImageError: the run left a card that cannot be read; its raw image is kept beside the folder.
    """
    if isinstance(image, FileImage):
        _save_in_place(image)
        return [path.name]
    loaded = image.loaded if isinstance(image, FolderCard) else {}
    try:
        files = read_files(image)
    except CardImageError as error:
        kept = path.with_name(path.name + ".damaged" + IMAGE_SUFFIX)
        write_atomically(kept, bytes(image[:]))
        raise CardImageError(f"the run left a damaged card: {error.message}", f"Its raw image is {kept}.") from error
    there = FolderFiles(path)
    names = {name.lower(): name for name in loaded}  # a FAT card may give a name back in capitals
    changed = []
    for name, data in files.items():
        name = names.get(name.lower(), name)
        if loaded.get(name) != data:
            name = there.name_of(name)
            write_atomically(path / name, data)
            changed.append(name)
    if complete:
        left = {name.lower() for name in files}
        for name in loaded:
            if name.lower() not in left and name.partition("/")[0].lower() not in _KEPT_FOLDERS:
                (path / name).unlink(missing_ok=True)
    return sorted(changed)


def read_card(path: Path) -> Mapping[str, bytes]:
    """Return the files of a card, folder or image. Each is read when it is asked for.

    Raises:
        UsageError: there is nothing at `path`.
        CardStorageError, CardImageError: it cannot be read.
    """
    if path.is_dir():
        return FolderFiles(path)
    if not path.exists():
        raise UsageError(f"there is no card at {path}", "Make one with: bmsrescue card build")
    return CardFiles(_opened(path))


def card_notes(path: Path) -> list[str]:
    """What a person should know of a card's file system, as parts of sentences; nothing for a folder.

    Raises:
        CardStorageError, CardImageError: it cannot be read.
    """
    if path.is_dir():
        return []
    state = examine(_opened(path))
    damage = [f"the card's file system is damaged: {what}" for what in state.damage[:3]]
    if damage:
        damage.append("repair it (chkdsk or fsck) before it is used: the next file that is written may replace another")
    return damage + state.notes


def write_new_card(path: Path, files: dict[str, bytes]) -> None:
    """Put `files` on the card at `path`: a FAT image when the name ends in .img, else a folder. It is made if need be.

    On a card that exists these files are replaced, and all else stays: an image file is changed in place.

    Raises:
        CardStorageError, CardImageError: it cannot be read or written; nothing is changed then.
    """
    if path.suffix.lower() != IMAGE_SUFFIX:
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} exists and is a file", f"Name a folder, or a file that ends in {IMAGE_SUFFIX}.")
        there = FolderFiles(path)
        for name, data in files.items():
            write_atomically(path / there.name_of(name), data)
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Give the image another name.")
    if not path.exists():
        write_atomically(path, make_image(files))
        return
    image = _opened(path)
    damage = examine(image).damage
    if damage:
        raise CardImageError(
            f"the card's file system is damaged: {damage[0]}",
            "Repair it (chkdsk or fsck) first: a file that is written now could replace another.",
        )
    write_files(image, files)
    _save_in_place(image)


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
                with contextlib.suppress(PermissionError):  # a FAT card has no permissions
                    temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _refused("write", path, error) from error


def _opened(path: Path) -> FileImage:
    try:
        return FileImage(path)
    except OSError as error:
        raise _refused("read", path, error) from error


def _save_in_place(image: FileImage) -> None:
    try:
        if image.is_stale():
            raise CardStorageError(
                f"{image.path} was changed by something else meanwhile: nothing is written to it",
                "Let one program at a time use it, and do this again.",
            )
        image.save()
    except OSError as error:
        raise _refused("write", image.path, error) from error


def _for_a_run(folder: Path, files: FolderFiles) -> dict[str, bytes]:
    """What of a folder comes into the dongle's slot: what a job may need, and what else is small."""
    own, others = [], []
    for name in files:
        if not all(_fits_fat(part) for part in name.split("/")):
            continue
        try:
            size = (folder / name).stat().st_size
        except OSError:
            continue
        place = name.lower().split("/")
        in_root = len(place) == 1 and place[0].endswith(_OWN_SUFFIXES) and size <= _OTHER_BYTES
        if place[0] in _KEPT_FOLDERS or in_root:
            own.append(name)
        else:
            others.append((size, name))
    taken = {name: files[name] for name in own}
    room = _OTHER_BYTES
    for size, name in sorted(others)[:_MOST_OTHERS]:
        room -= size
        if room < 0:
            break
        with contextlib.suppress(CardStorageError):  # a system's own, which nobody may read
            taken[name] = files[name]
    return taken


def _fits_fat(name: str) -> bool:
    return (
        name.isascii()
        and name.isprintable()
        and len(name) <= _MOST_NAME
        and not _NOT_IN_FAT & set(name)
        and name[-1] not in ". "
    )


def _refused(act: str, path: Path, error: OSError) -> CardStorageError:
    return CardStorageError(
        f"cannot {act} {path}: {error.strerror}", "Check the permissions and the space on the disk."
    )
