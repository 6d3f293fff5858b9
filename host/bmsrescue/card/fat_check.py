"""What a FAT file system says of its own health: both tables, the chains of every file, the marks of an unclean end.

Nothing is changed. Layouts: Microsoft FAT specification (fatgen103).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bmsrescue.card.fat import Volume, volume_of
from bmsrescue.card.image_bytes import BLOCK_BYTES, ImageBytes

_PIECE_BYTES = 1 << 20
_PAGE_BYTES = 1536  # whole entries of 12, 16 and 32 bits
_MOST_PAGES = 8192
_ENTRY_BYTES = 32
_END, _DELETED = 0x00, 0xE5
_LONG_NAME, _LABEL, _FOLDER = 0x0F, 0x08, 0x10


@dataclass
class FatState:
    """damage: what is wrong in the first table or the chains, by which a file could be lost when something is written.

    notes: what a person should know of, and no file is at risk by.
    """

    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def examine(image: ImageBytes) -> FatState:
    """Look through the whole file system of an image.

    Raises:
        CardImageError: it has none.
    """
    volume = volume_of(image)
    state = FatState()
    table = _Table(image, volume)
    if _is_dirty(image, volume, table):
        state.notes.append("the card was not ejected when it was taken out: let a computer check it (chkdsk or fsck)")
    if volume.fats == 2 and not _tables_agree(image, volume):
        state.notes.append(
            "the second file allocation table differs from the first, which the dongle uses: "
            "let a computer repair it (chkdsk or fsck)"
        )
    _Chains(image, volume, table, state.damage).follow_all()
    return state


class _Table:
    """The first file allocation table, in pages."""

    def __init__(self, image: ImageBytes, volume: Volume) -> None:
        self._image = image
        self._start = volume.fat_first * BLOCK_BYTES
        self._bits = volume.bits
        self._pages: dict[int, bytes] = {}
        self.end = {12: 0xFF8, 16: 0xFFF8, 32: 0x0FFF_FFF8}[volume.bits]

    def __getitem__(self, cluster: int) -> int:
        page, offset = divmod(cluster * self._bits // 8, _PAGE_BYTES)
        data = self._pages.get(page)
        if data is None:
            if len(self._pages) >= _MOST_PAGES:
                self._pages.clear()
            start = self._start + page * _PAGE_BYTES
            data = self._pages[page] = bytes(self._image[start : start + _PAGE_BYTES])
        if self._bits == 12:
            pair = int.from_bytes(data[offset : offset + 2], "little")
            return pair >> 4 if cluster & 1 else pair & 0xFFF
        entry = int.from_bytes(data[offset : offset + self._bits // 8], "little")
        return entry & 0x0FFF_FFFF if self._bits == 32 else entry


class _Chains:
    """Follows the clusters of every file and folder once."""

    def __init__(self, image: ImageBytes, volume: Volume, table: _Table, damage: list[str]) -> None:
        self._image = image
        self._volume = volume
        self._table = table
        self._damage = damage
        self._taken = bytearray(volume.clusters // 8 + 1)
        self._cluster_bytes = volume.cluster_blocks * BLOCK_BYTES

    def follow_all(self) -> None:
        volume = self._volume
        if volume.bits == 32:
            folders = [("", self._content(self._clusters(volume.root, "the first folder")))]
        else:
            start, end = volume.root * BLOCK_BYTES, volume.data_first * BLOCK_BYTES
            folders = [("", bytes(self._image[start:end]))]
        while folders:
            folder, content = folders.pop()
            for name, is_folder, first, size in _entries(content, volume.bits):
                path = folder + name
                if is_folder:
                    folders.append((path + "/", self._content(self._clusters(first, path))))
                elif size or first:
                    count = sum(1 for _ in self._clusters(first, path))
                    if count * self._cluster_bytes < size:
                        self._tell(f"{path} has {size} bytes, but only {count * self._cluster_bytes} are there")

    def _clusters(self, first: int, path: str) -> Iterator[int]:
        """A chain up to its end, or to what is wrong in it."""
        cluster = first
        while True:
            number = cluster - 2
            if not 0 <= number < self._volume.clusters:
                self._tell(f"{path} leads to a cluster that the card does not have")
                return
            if self._taken[number >> 3] & 1 << (number & 7):
                self._tell(f"{path} shares a cluster with another file, or leads back to itself")
                return
            self._taken[number >> 3] |= 1 << (number & 7)
            yield cluster
            cluster = self._table[cluster]
            if cluster >= self._table.end:
                return
            if cluster == 0:
                self._tell(f"{path} goes on in space that is marked as free")
                return

    def _content(self, clusters: Iterator[int]) -> bytes:
        size, first = self._cluster_bytes, self._volume.data_first * BLOCK_BYTES
        starts = (first + (cluster - 2) * size for cluster in clusters)
        return b"".join(bytes(self._image[start : start + size]) for start in starts)

    def _tell(self, what: str) -> None:
        self._damage.append(what)


def _entries(content: bytes, bits: int) -> Iterator[tuple[str, bool, int, int]]:
    """(short name, whether it is a folder, first cluster, bytes) of each file and folder."""
    for at in range(0, len(content) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        entry = content[at : at + _ENTRY_BYTES]
        if entry[0] == _END:
            return
        attributes = entry[11]
        if entry[0] in (_DELETED, ord(".")) or attributes & 0x3F == _LONG_NAME or attributes & _LABEL:
            continue
        base, suffix = (entry[low:high].decode("cp437").rstrip() for low, high in ((0, 8), (8, 11)))
        first = int.from_bytes(entry[26:28], "little")
        if bits == 32:
            first |= int.from_bytes(entry[20:22], "little") << 16
        name = f"{base}.{suffix}" if suffix else base
        yield name, bool(attributes & _FOLDER), first, int.from_bytes(entry[28:32], "little")


def _is_dirty(image: ImageBytes, volume: Volume, table: _Table) -> bool:
    boot = image[volume.first * BLOCK_BYTES : (volume.first + 1) * BLOCK_BYTES]
    if boot[65 if volume.bits == 32 else 37] & 1:
        return True
    clean = {12: 0, 16: 0x8000, 32: 0x0800_0000}[volume.bits]
    return table[1] & clean != clean


def _tables_agree(image: ImageBytes, volume: Volume) -> bool:
    first, size = volume.fat_first * BLOCK_BYTES, volume.fat_blocks * BLOCK_BYTES
    # What lies behind the last cluster's entry is nobody's.
    used = min(size, -(-(volume.clusters + 2) * volume.bits // 8))
    for at in range(0, used, _PIECE_BYTES):
        count = min(_PIECE_BYTES, used - at)
        if image[first + at : first + at + count] != image[first + size + at : first + size + at + count]:
            return False
    return True


__all__ = ["FatState", "examine"]
