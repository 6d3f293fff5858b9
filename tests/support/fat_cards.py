"""Cards as people have them, made by dosfstools and mtools, which know nothing of us."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

BLOCK = 512
MIB = 1 << 20
_ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1"}
# What cameras, Windows and macOS leave on a card, and names that no code page of MS-DOS has.
DEBRIS = {
    "System Volume Information/IndexerVolumeGuid": "{1B2C}".encode("utf-16"),
    ".Spotlight-V100/Store-V2/VolumeConfig.plist": b"<plist/>",
    "._job.json": b"\x00\x05\x16\x07" + bytes(4092),
    "desktop.ini": b"[.ShellClassInfo]\r\n",
    "DCIM/100CANON/IMG_0001.JPG": b"\xff\xd8" + bytes(range(256)) * 50,
    "gr\u00fcn \u00fcber.txt": b"green",
    "\u7535\u6c60\u62a5\u544a.txt": b"battery",
    "\u043e\u0442\u0447\u0451\u0442/\u0444\u0430\u0439\u043b.txt": b"report",
    "A long name with (many) signs, and dots.v1.2.txt": b"long",
}


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], env=_ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_fat(path: Path, size: int, *options: str, label: str = "MY CARD") -> Path:
    """A volume of `size` bytes; `options` of mkfs.fat."""
    with path.open("wb") as file:
        file.truncate(size)
    run("mkfs.fat", "-n", label, *options, path)
    return path


def put_files(path: Path, files: Mapping[str, bytes], scratch: Path, offset: int = 0) -> None:
    """Copy files onto the volume that begins at byte `offset` of an image, as mtools does it."""
    where = f"{path}@@{offset}"
    made: set[str] = set()
    for name, data in files.items():
        parts = name.split("/")
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            if folder not in made:
                run("mmd", "-i", where, "::" + folder)
                made.add(folder)
        source = scratch / "one file"
        source.write_bytes(data)
        run("mcopy", "-i", where, source, "::" + name)


def get_files(path: Path, names: Sequence[str], offset: int = 0) -> dict[str, bytes]:
    """What mtools reads of these files."""
    read = {}
    for name in names:
        command = ["mcopy", "-n", "-i", f"{path}@@{offset}", "::" + name, "-"]
        read[name] = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, timeout=60, check=True).stdout
    return read


def label_of(path: Path, offset: int = 0) -> str:
    return run("mlabel", "-s", "-i", f"{path}@@{offset}", "::").strip()


def partition_table(*entries: tuple[int, int, int]) -> bytes:
    """An MBR of (type, first block, blocks) entries."""
    table = bytearray(BLOCK)
    table[:3] = b"\xfa\x31\xc0"
    for index, (kind, first, blocks) in enumerate(entries):
        struct.pack_into("<B3sB3sII", table, 446 + 16 * index, 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", first, blocks)
    table[510:] = b"\x55\xaa"
    return bytes(table)


def on_disk(volume: Path, path: Path, first: int, *before: tuple[int, int, int], kind: int = 0x0C) -> Path:
    """A disk with an MBR that has `volume` at block `first`, behind the entries `before`."""
    blocks = volume.stat().st_size // BLOCK
    with path.open("wb") as file:
        file.write(partition_table(*before, (kind, first, blocks)))
        file.seek(first * BLOCK)
        file.write(volume.read_bytes())
    return path


def fsck(path: Path, scratch: Path, offset: int = 0) -> str:
    """What fsck.fat says of the volume; it has to be in order."""
    if offset:
        alone = scratch / "volume"
        with path.open("rb") as file, alone.open("wb") as copy:
            file.seek(offset)
            copy.write(file.read())
        path = alone
    return run("fsck.fat", "-n", path)


def exfat_boot_sector() -> bytes:
    """exFAT file system specification 3.1."""
    sector = bytearray(BLOCK)
    sector[:11] = b"\xeb\x76\x90EXFAT   "
    struct.pack_into("<QQIIIII", sector, 64, 0, 1 << 17, 128, 128, 256, 8000, 5)
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def ntfs_boot_sector() -> bytes:
    sector = bytearray(BLOCK)
    sector[:11] = b"\xeb\x52\x90NTFS    "
    sector[11:14] = b"\x00\x02\x08"
    sector[510:] = b"\x55\xaa"
    return bytes(sector)
