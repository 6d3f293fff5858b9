"""Files on FAT16 cards whose chain of clusters is shorter than their length, as a cut leaves them that lost a block."""

from __future__ import annotations

import re
import struct

from bmsrescue.card.fat import CardFiles

_END_OF_CHAIN = 0xFFFF
_PLAIN_FILE = 0x20
_ENTRY_BYTES = 32
_KIND_AT, _CLUSTER_AT, _SIZE_AT = 11, 26, 28


def lose_chain(card: bytearray, name: str, keep: int = 1) -> int:
    """Have the file end after its first clusters; returns the bytes in them, 0 where it has no more.

    The layout is that of Microsoft's FAT specification 1.03, sections 3 and 6.
    """
    size = CardFiles(card).size_of(name)
    block, per_cluster, reserved, fats = struct.unpack_from("<HBHB", card, 11)
    fat_blocks = struct.unpack_from("<H", card, 22)[0]
    fat = reserved * block
    if size <= keep * block * per_cluster:
        return 0
    entries = [
        match.start() - _SIZE_AT
        for match in re.finditer(re.escape(struct.pack("<I", size)), card)
        if match.start() % _ENTRY_BYTES == _SIZE_AT and card[match.start() - _SIZE_AT + _KIND_AT] == _PLAIN_FILE
    ]
    if len(entries) != 1:
        raise ValueError(f"{len(entries)} entries of {size} bytes on the card, where {name} is one")
    cluster = struct.unpack_from("<H", card, entries[0] + _CLUSTER_AT)[0]
    for _link in range(keep - 1):
        cluster = struct.unpack_from("<H", card, fat + 2 * cluster)[0]
    for number in range(fats):
        struct.pack_into("<H", card, fat + number * fat_blocks * block + 2 * cluster, _END_OF_CHAIN)
    return keep * block * per_cluster
