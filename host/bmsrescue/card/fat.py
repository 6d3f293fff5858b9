"""FAT images: made from files, read file by file, completed with files. Raw volumes and MBR disks alike, of any size.

Names outside ASCII, labels, partition tables and whatever else is on a card stay as they are: the library cannot tell
such names, and nothing here touches what it was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import Any

from fatfs import RamDisk
from fatfs.diskio import Disk
from fatfs.wrapper import (
    PY_FA_CREATE_ALWAYS,
    PY_FA_READ,
    PY_FA_WRITE,
    PY_FR_DENIED,
    PY_FR_EXIST,
    PY_FR_INVALID_NAME,
    PY_FR_NO_FILE,
    PY_FR_NO_PATH,
    PY_FR_OK,
    DIR_Handle,
    FatFSException,
    FIL_Handle,
    FILINFO_Handle,
    Partition,
    fresult_to_name,
    pyf_close,
    pyf_closedir,
    pyf_mkdir,
    pyf_open,
    pyf_opendir,
    pyf_read,
    pyf_readdir,
    pyf_stat,
    pyf_write,
)

from bmsrescue.card.image_bytes import BLOCK_BYTES, ImageBytes
from bmsrescue.errors import HostError
from rescuelink.errors import CardError, sentence_case
from rescuelink.volume import BlockDevice, find_volume

DEFAULT_BYTES = 32 << 20
SECTOR_BYTES = BLOCK_BYTES
# Room that a new image leaves beside its files: a backup, its records, and the helper's demand for free space.
_SPARE_BYTES = 16 << 20
_ROUND_BYTES = 1 << 20
# A directory that is damaged may lead back to itself.
_DEEPEST = 40
_MOST_ENTRIES = 200_000
_STREAM_BYTES = 64 * 1024
_REPAIR = "Repair it (chkdsk or fsck), or save what is on it and format it anew."


class CardImageError(HostError):
    """The bytes are no FAT file system that can be used, or it has no room."""


@dataclass(frozen=True)
class Volume:
    """Where a card's file system lies, in blocks of 512 bytes, and how it is divided (rescuelink.volume)."""

    first: int
    blocks: int
    bits: int
    fat_first: int
    fat_blocks: int
    fats: int
    data_first: int
    cluster_blocks: int
    clusters: int
    root: int


def volume_of(image: ImageBytes) -> Volume:
    """Return the volume that the dongle, too, would use.

    Raises:
        CardImageError: there is none; says what is there and what to do, in the dongle's words.
    """
    try:
        return Volume(*find_volume(_Blocks(image)))
    except CardError as error:
        raise CardImageError(error.message, sentence_case(error.next_step or "") + ".") from error
    except OSError as error:
        raise CardImageError(f"the card image cannot be read ({error.strerror})", "Copy the whole image.") from error


class CardFiles(Mapping[str, bytes]):
    """The files of a card's image by their paths (relative, with "/"), each read when it is asked for.

    A name is found in capitals or not, as FAT has it; one outside ASCII is not. `whole`: a folder that is damaged is an
    error; else it is left out, and named in `damaged`.

    Raises:
        CardImageError: there is no file system in it, or it is damaged.
    """

    def __init__(self, image: ImageBytes, *, whole: bool = True) -> None:
        self._image = image
        self.damaged: list[str] = []
        with _mounted(image) as volume:
            self._sizes = dict(volume.walk(None if whole else self.damaged))
        self._names = {name.lower(): name for name in self._sizes}

    def size_of(self, name: str) -> int:
        """Bytes of a file. Raises KeyError."""
        return self._sizes[self._names[name.lower()]]

    def __getitem__(self, name: str) -> bytes:
        path = self._names[name.lower()]
        with _mounted(self._image) as volume:
            return volume.read(path, self._sizes[path])

    def open_start(self, name: str) -> BufferedReader:
        """What can be read of a file from its beginning: all of it, but where a cut has lost a part of its chain.

        Raises CardImageError here, and when it is closed.
        """
        return BufferedReader(_Start(self._image, self._names[name.lower()]), _STREAM_BYTES)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)


def make_image(files: Mapping[str, bytes], size: int | None = None) -> bytearray:
    """Return a raw FAT volume that holds `files` (paths with "/", relative). `size` in bytes, a multiple of 512.

    Raises:
        CardImageError: the files do not fit.
    """
    if size is None:
        needed = sum(map(len, files.values())) + _SPARE_BYTES
        size = max(DEFAULT_BYTES, -(-needed // _ROUND_BYTES) * _ROUND_BYTES)
    image = bytearray(size)
    partition = Partition(RamDisk(image))
    try:
        partition.mkfs()
    except FatFSException as error:
        raise CardImageError(f"a card of {size} bytes cannot be made ({error})", "Make it larger.") from error
    finally:
        partition.unmount()
    write_files(image, files)
    return image


def read_files(image: ImageBytes) -> dict[str, bytes]:
    """Return every file of the image by its path, relative, with "/".

    Raises:
        CardImageError: there is no file system in it, or it is damaged.
    """
    with _mounted(image) as volume:
        return {path: volume.read(path, size) for path, size in volume.walk()}


def write_files(image: ImageBytes, files: Mapping[str, bytes]) -> None:
    """Add `files` to the image, in place of older ones of the same name; all else stays as it is.

    Raises:
        CardImageError: there is no file system in it, or no room.
    """
    with _mounted(image) as volume:
        for path, data in files.items():
            volume.write(path, data)


class _Blocks(BlockDevice):
    """An image as MicroPython would see the card."""

    def __init__(self, image: ImageBytes) -> None:
        self._image = image

    def readblocks(self, block: int, buffer: bytearray) -> None:
        data = self._image[block * BLOCK_BYTES : block * BLOCK_BYTES + len(buffer)]
        if len(data) != len(buffer):
            raise OSError(5, "it ends before that")
        buffer[:] = data

    def ioctl(self, request: int, argument: int) -> int:
        return len(self._image) // BLOCK_BYTES if request == 4 else 0


class _Window(Disk):  # type: ignore[misc]  # the library has no types
    """A volume of an image as the library's disk. It cannot be told of errors: they are kept for whoever asked."""

    def __init__(self, image: ImageBytes, volume: Volume) -> None:
        super().__init__()
        self._image = image
        self._first = volume.first
        self._blocks = volume.blocks
        self.error: OSError | None = None

    def ioctl_get_sector_count(self) -> int:
        return self._blocks

    def ioctl_get_sector_size(self) -> int:
        return BLOCK_BYTES

    def ioctl_get_block_size(self) -> int:
        return 1

    def read(self, sector: int, count: int) -> bytes:
        start = (self._first + sector) * BLOCK_BYTES
        try:
            data = bytes(self._image[start : start + count])
        except OSError as error:
            self.error = self.error or error
            data = b""
        if len(data) < count:
            self.error = self.error or OSError(5, "it ends before that")
            data = data.ljust(count, b"\x00")
        return data

    def write(self, sector: int, count: int, buff: bytes) -> None:
        start = (self._first + sector) * BLOCK_BYTES
        try:
            self._image[start : start + count] = buff
        except (OSError, ValueError) as error:
            self.error = self.error or (error if isinstance(error, OSError) else OSError(5, "it ends before that"))


class _Files:
    """A mounted volume's files. Every result of the library is looked at: it tells a short listing from an error."""

    def __init__(self, partition: Partition, disk: _Window) -> None:
        self._disk = disk
        self._place = partition._adjust_path  # the library's number of the volume, and bytes

    def walk(self, damaged: list[str] | None = None) -> Iterator[tuple[str, int]]:
        """Every file's path and size in bytes. Raises CardImageError, but for a folder that is noted as `damaged`."""
        entries = 0
        folders = [("", 0)]
        while folders:
            folder, depth = folders.pop()
            try:
                if depth > _DEEPEST or entries > _MOST_ENTRIES:
                    raise _damaged("its folders have no end")
                listed = self._entries(folder)
            except CardImageError:
                if damaged is None or not folder or self._disk.error is not None:
                    raise
                damaged.append(folder.rstrip("/"))
                continue
            for name, size, is_folder in listed:
                entries += 1
                if is_folder:
                    folders.append((f"{folder}{name}/", depth + 1))
                else:
                    yield folder + name, size

    def _entries(self, folder: str) -> list[tuple[str, int, bool]]:
        listing, found = DIR_Handle(), FILINFO_Handle()
        self._check(pyf_opendir(listing, self._place(f"/{folder}".rstrip("/") or "/")), folder)
        entries: list[tuple[str, int, bool]] = []
        try:
            while True:
                self._check(pyf_readdir(listing, found), folder)
                name = found.get_name()
                if not name:
                    return entries
                if name.isascii():
                    entries.append((name, found.get_size(), bool(found.is_directory())))
        finally:
            pyf_closedir(listing)

    def read(self, path: str, size: int) -> bytes:
        """The `size` bytes of a file. Raises CardImageError."""
        with self._open(path, PY_FA_READ) as file:
            result, data = pyf_read(file, size)
            self._check(result, path)
        if len(data) != size:
            raise _damaged(f"{path} ends early")
        return bytes(data)

    @contextmanager
    def opened(self, path: str) -> Iterator[FIL_Handle]:
        """A file to be read. Raises CardImageError."""
        with self._open(path, PY_FA_READ) as file:
            yield file

    def write(self, path: str, data: bytes) -> None:
        """A whole file, in place of an older one. Raises CardImageError."""
        if not path.isascii():
            raise _no_name(path)
        folder = ""
        for part in path.split("/")[:-1]:
            folder += "/" + part
            self._check(pyf_mkdir(self._place(folder)), folder.lstrip("/"), PY_FR_EXIST)
        with self._open(path, PY_FA_WRITE | PY_FA_CREATE_ALWAYS) as file:
            result, count = pyf_write(file, data) if data else (PY_FR_OK, 0)
            self._check(result, path)
        if count != len(data):
            raise _no_room(path)

    @contextmanager
    def _open(self, path: str, mode: int) -> Iterator[FIL_Handle]:
        file = FIL_Handle()
        self._check(pyf_open(file, self._place("/" + path), mode), path)
        try:
            yield file
        finally:
            closed = pyf_close(file)
        self._check(closed, path)

    def _check(self, result: int, path: str, also_good: int = PY_FR_OK) -> None:
        if self._disk.error is not None:
            raise CardImageError(f"the card image cannot be read ({self._disk.error})", "Copy the whole image.")
        if result in (PY_FR_OK, also_good):
            return
        if result == PY_FR_INVALID_NAME:
            raise _no_name(path)
        if result in (PY_FR_NO_FILE, PY_FR_NO_PATH):
            raise _damaged(f"{path} is not found")
        if result == PY_FR_DENIED:
            raise self._denied(path)
        raise _damaged(f"{path or 'its first folder'}: {fresult_to_name(result)}")

    def _denied(self, path: str) -> CardImageError:
        found = FILINFO_Handle()
        if pyf_stat(self._place("/" + path), found) != PY_FR_OK:
            return _no_room(path) if "/" in path else _no_place(path)
        if found.is_directory():
            return CardImageError(f"{path} is a folder on the card", "Rename it, or take another card.")
        if found.is_readonly():
            return CardImageError(f"{path} is write-protected on the card", "Clear its attribute 'read only'.")
        return _no_room(path)


class _Start(RawIOBase):
    """A file of an image as a stream that ends where it cannot be read on. The volume stays mounted until `close`."""

    def __init__(self, image: ImageBytes, path: str) -> None:
        super().__init__()
        self._stack = ExitStack()
        with ExitStack() as stack:
            volume = stack.enter_context(_mounted(image))
            self._file = stack.enter_context(volume.opened(path))
            self._stack = stack.pop_all()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # A block at a time: of more, what comes before a lost one would be lost with it.
        result, data = pyf_read(self._file, min(len(buffer), SECTOR_BYTES))
        if result != PY_FR_OK:
            return 0
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._stack.close()


@contextmanager
def _mounted(image: ImageBytes) -> Iterator[_Files]:
    """The library's handle on a volume; it has ten of them, and only `unmount` gives one back."""
    disk = _Window(image, volume_of(image))
    partition = Partition(disk)
    try:
        partition.mount()
        yield _Files(partition, disk)
    except FatFSException as error:
        raise _damaged(str(error)) from error
    finally:
        partition.unmount()


def _damaged(how: str) -> CardImageError:
    return CardImageError(f"the card's file system is damaged: {how}", _REPAIR)


def _no_name(path: str) -> CardImageError:
    return CardImageError(f"{path} is no name that every FAT card takes", "Give the file another name.")


def _no_place(path: str) -> CardImageError:
    return CardImageError(
        f"the card has no room for {path}, or its top folder is full: on a small card that holds 512 names at most",
        "Move what is there into a folder, make space on it, or use a larger card.",
    )


def _no_room(path: str) -> CardImageError:
    return CardImageError(f"the card has no room for {path}", "Use a larger card, or make space on it.")
