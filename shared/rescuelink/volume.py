# Where the file system of a card lies; and in words, what is wrong with a card that has none which can be used.
#
# Taken is what the FatFs in MicroPython takes: a FAT boot sector in block 0, else in the first of the MBR's four
# primary partitions that has one. Layouts: Microsoft FAT specification (fatgen103), UEFI specification chapter 5 (GPT).

from rescuelink.errors import CardError

_FORMAT = "format it as FAT32 with an MBR, 512-byte sectors"
_REPAIR = "repair it on a computer (chkdsk or fsck), or save what is on it and " + _FORMAT


class BlockDevice:
    """A card as MicroPython has it: blocks of 512 bytes."""

    def readblocks(self, block: int, buffer: bytearray) -> None:
        """Fills `buffer`. Raises OSError."""
        raise OSError(5)

    def ioctl(self, request: int, argument: int) -> int:
        """Request 4: how many blocks it has; 0 where a port does not know."""
        return 0


def find_volume(device: BlockDevice) -> tuple[int, ...]:
    """The FAT volume of a card:

    (first block, blocks, bits of a FAT entry, first block of the FAT, blocks of a FAT, FATs, first block of the data,
    blocks of a cluster, clusters, root: its first block, or its first cluster on FAT32).

    Raises CardError "unreadable" where there is none, OSError where the card cannot be read.
    """
    blocks = device.ioctl(4, 0)
    sector = bytearray(512)
    device.readblocks(0, sector)
    first = 0
    if not _is_fat(sector):
        first = _partition(device, sector, blocks)
    return _geometry(device, sector, first, blocks)


def _partition(device: BlockDevice, sector: bytearray, blocks: int) -> int:
    # The first block of the partition, whose boot sector is then in `sector`.
    name = _other(sector)
    table = bytes(sector[446:510])
    if name is None and _word(sector, 510) == 0xAA55:
        for at in range(0, 64, 16):
            place = _long(table, at + 8)
            if not table[at + 4] or not place or (blocks and place >= blocks):
                continue
            device.readblocks(place, sector)
            if _is_fat(sector):
                return place
            name = name or _other(sector)
            if 8 * place < blocks:
                # A table that counts in sectors of 4 KiB.
                device.readblocks(8 * place, sector)
                if _is_fat(sector) and _word(sector, 11) == 4096:
                    raise _sectors(4096)
        if 0xEE in (table[4], table[20], table[36], table[52]):
            raise _refused("the card has a GPT partition table")
    if name is None:
        raise _refused("there is no FAT file system on the card")
    raise _refused("the card is formatted as " + name)


def _geometry(device: BlockDevice, sector: bytearray, first: int, blocks: int) -> tuple[int, ...]:
    if _word(sector, 11) != 512:
        raise _sectors(_word(sector, 11))
    cluster, reserved, fats, in_root = sector[13], _word(sector, 14), sector[16], _word(sector, 17)
    total = _word(sector, 19) or _long(sector, 32)
    fat = _word(sector, 22) or _long(sector, 36)
    root = _long(sector, 44)
    data = reserved + fats * fat + in_root // 16
    clusters = (total - data) // cluster if cluster else 0
    bits = 12 if clusters <= 0xFF5 else 16 if clusters <= 0xFFF5 else 32
    if (
        clusters < 1
        or cluster & (cluster - 1)
        or not reserved
        or fats not in (1, 2)
        or in_root % 16
        or (in_root != 0 and bits == 32)
        or fat * 4096 < (clusters + 2) * bits
    ):
        raise _damaged("boot sector")
    if in_root == 0 and bits < 32:
        message = "the card is formatted as FAT32 with only %d clusters" % clusters
        raise CardError("unreadable", message, next_step="format it as FAT16, or as FAT32 with smaller clusters")
    if blocks and first + total > blocks:
        raise CardError(
            "unreadable",
            "the card's file system has %d KiB, but the card ends after %d KiB" % (total // 2, (blocks - first) // 2),
            next_step="copy the whole image, or take another card",
        )
    # Entry 0 has the medium in its low byte and ones above it.
    device.readblocks(first + reserved, sector)
    whole = sector[0] >= 0xF0 and sector[1] == 0xFF and (bits == 16 or sector[2] == 0xFF)
    if bits < 32:
        root = first + reserved + fats * fat
    elif whole:
        # The root directory has clusters of its own; were they free, the next file would be written over it.
        whole = 2 <= root < clusters + 2
        if whole:
            device.readblocks(first + reserved + root // 128, sector)
            whole = 2 <= _long(sector, root % 128 * 4) & 0x0FFFFFFF != 0x0FFFFFF7
    if not whole:
        raise _damaged("file allocation table")
    return first, total, bits, first + reserved, fat, fats, first + data, cluster, clusters, root


def _is_fat(sector: bytearray) -> bool:
    if _word(sector, 510) != 0xAA55 or not (sector[0] == 0xE9 or (sector[0] == 0xEB and sector[2] == 0x90)):
        return False
    return sector[54:57] == b"FAT" or sector[82:86] == b"FAT3"


def _other(sector: bytearray) -> str | None:
    if sector[3:8] == b"EXFAT":
        return "exFAT"
    return "NTFS" if sector[3:8] == b"NTFS " else None


def _word(sector: bytes | bytearray, at: int) -> int:
    return sector[at] | sector[at + 1] << 8


def _long(sector: bytes | bytearray, at: int) -> int:
    return _word(sector, at) | _word(sector, at + 2) << 16


def _refused(message: str) -> CardError:
    return CardError("unreadable", message, next_step=_FORMAT)


def _sectors(size: int) -> CardError:
    return _refused("the card's file system has sectors of %d bytes" % size)


def _damaged(what: str) -> CardError:
    return CardError("unreadable", "the card's file system is damaged: its %s is overwritten" % what, next_step=_REPAIR)
