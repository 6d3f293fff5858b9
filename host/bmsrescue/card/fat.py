"""FAT images in memory: made from files, read back as files, completed with files. Raw volumes and MBR disks alike."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fatfs import PartitionExtended, RamDisk, create_extended_partition
from fatfs.wrapper import FatFSException

from bmsrescue.errors import HostError

DEFAULT_BYTES = 32 << 20
SECTOR_BYTES = 512
# Room that a new image leaves beside its files: a backup, its records, and the helper's demand for free space.
_SPARE_BYTES = 16 << 20
_ROUND_BYTES = 1 << 20


class CardImageError(HostError):
    """The bytes are no FAT file system, or it has no room."""


def make_image(files: Mapping[str, bytes], size: int | None = None) -> bytearray:
    """Return a raw FAT volume that holds `files` (paths with "/", relative). `size` in bytes, a multiple of 512.

    Raises:
        CardImageError: the files do not fit.
    """
    if size is None:
        needed = sum(map(len, files.values())) + _SPARE_BYTES
        size = max(DEFAULT_BYTES, -(-needed // _ROUND_BYTES) * _ROUND_BYTES)
    image = bytearray(size)
    with _volume(image) as volume:
        volume.mkfs()
    write_files(image, files)
    return image


def read_files(image: bytearray) -> dict[str, bytes]:
    """Return every file of the image by its path, relative, with "/".

    Raises:
        CardImageError: there is no file system in it.
    """
    with _mounted(image) as volume:
        return {
            f"{folder}/{name}".lstrip("/"): bytes(volume.read_file(f"{folder.rstrip('/')}/{name}"))
            for folder, _folders, names in volume.walk("/")
            for name in names
        }


def write_files(image: bytearray, files: Mapping[str, bytes]) -> None:
    """Add `files` to the image, in place of older ones of the same name.

    Raises:
        CardImageError: there is no file system in it, or no room.
    """
    with _mounted(image) as volume:
        for path, data in files.items():
            folder = path.rpartition("/")[0]
            if folder:
                volume.makedirs("/" + folder, exist_ok=True)
            volume.write_file("/" + path, data)
            # The library does not tell a short write from a whole one.
            if volume.stat("/" + path)["size"] != len(data):
                raise CardImageError(f"the card has no room for {path}", "Use a larger card, or make space on it.")


@contextmanager
def _volume(image: bytearray) -> Iterator[PartitionExtended]:
    """The library's handle on a volume; it has ten of them, and only `unmount` gives one back."""
    volume = create_extended_partition(RamDisk(image))
    try:
        yield volume
    except FatFSException as error:
        raise CardImageError(
            f"the card's file system is damaged ({error})", "Copy what you can, then make it anew."
        ) from error
    finally:
        volume.unmount()


@contextmanager
def _mounted(image: bytearray) -> Iterator[PartitionExtended]:
    if not image or len(image) % SECTOR_BYTES:
        raise CardImageError(
            f"a card image has whole sectors of {SECTOR_BYTES} bytes, this has {len(image)} bytes",
            "Make a new one with: bmsrescue card build",
        )
    with _volume(image) as volume:
        try:
            volume.mount()
        except FatFSException as error:
            raise CardImageError(
                "there is no FAT file system in the card image", "Make a new one with: bmsrescue card build"
            ) from error
        yield volume
