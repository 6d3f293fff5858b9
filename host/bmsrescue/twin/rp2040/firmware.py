"""The MicroPython firmware that the emulated Pico boots: found, or downloaded into the user's cache. Never part of this
repository.

MicroPython publishes no checksums beside its files. So the digest of the first download is kept beside the file and
held against it at every later use; whoever knows the digest from elsewhere gives it with --sha256.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Final

import httpx
import platformdirs

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError, UsageError

VARIABLE: Final = "BMSRESCUE_UF2"
VERSION: Final = "1.28.0"
URL: Final = "https://micropython.org/resources/firmware/RPI_PICO-20260406-v1.28.0.uf2"

_TIMEOUT_S: Final = 60.0
_LARGEST_BYTES: Final = 8 * 1024 * 1024
_BLOCK: Final = struct.Struct("<8I")
_BLOCK_BYTES: Final = 512
_START: Final = (0x0A324655, 0x9E5D5157)
_END: Final = 0x0AB16F30
_RP2040: Final = 0xE48BFF56
"""The family in a UF2 block's last header word (github.com/microsoft/uf2, utils/uf2families.json)."""
_FLASH_END: Final = 0x1020_0000  # of a Pico's 2 MiB
_FILES_BYTES: Final = (1408 * 1024, 1152 * 1024)


def cache_dir() -> Path:
    """Where downloaded firmware is kept."""
    return platformdirs.user_cache_path("bmsrescue") / "firmware"


def find(option: Path | None = None) -> Path:
    """The firmware to boot: the option, BMSRESCUE_UF2, or what was downloaded.

    Raises:
        UsageError: the file named is not there.
        HostError: there is none, or it is not what was downloaded.
    """
    named = option or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            raise UsageError(f"there is no firmware {named}", "Give the path of a MicroPython .uf2 for the Pico.")
        check(named.read_bytes())
        return named
    cached = cache_dir() / URL.rpartition("/")[2]
    if not cached.is_file():
        raise HostError(
            "there is no MicroPython firmware for the emulated Pico",
            f"Download it with `bmsrescue twin firmware`, or give --uf2 FILE or {VARIABLE}.",
        )
    _check_digest(cached)
    return cached


def download(url: str = URL, sha256: str | None = None, folder: Path | None = None) -> tuple[Path, str]:
    """Fetch the firmware into the cache; return its path and SHA-256.

    Raises:
        HostError: it cannot be had, is no firmware for an RP2040, or has another digest than `sha256` or than the
            file of that name had before.
    """
    folder = folder or cache_dir()
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_S, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise HostError(f"{url} cannot be had: {error}", "Download it elsewhere and give it with --uf2.") from error
    data = answer.content
    check(data)
    digest = hashlib.sha256(data).hexdigest()
    path = folder / url.rpartition("/")[2]
    wanted = sha256 or _known_digest(path)
    if wanted and wanted.lower() != digest:
        raise HostError(
            f"{path.name} has the SHA-256 {digest}, not {wanted}", "It is not the file it should be: nothing was kept."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    write_atomically(_digest_path(path), f"{digest}  {path.name}\n".encode())
    return path, digest


def check(data: bytes) -> None:
    """Raise HostError unless `data` is a whole UF2 file for the RP2040."""
    blocks = len(data) // _BLOCK_BYTES
    if not blocks or len(data) % _BLOCK_BYTES or len(data) > _LARGEST_BYTES:
        raise HostError("this is no UF2 file", "Give a MicroPython .uf2 for the Pico.")
    for index in range(blocks):
        at = index * _BLOCK_BYTES
        start0, start1, _flags, _address, _size, number, count, family = _BLOCK.unpack_from(data, at)
        (end,) = struct.unpack_from("<I", data, at + _BLOCK_BYTES - 4)
        if (start0, start1) != _START or end != _END or number != index or count != blocks:
            raise HostError("this UF2 file is damaged", "Download it again.")
        if family != _RP2040:
            raise HostError("this firmware is not for an RP2040", "Give a MicroPython .uf2 for the Pico.")


def files_bytes(uf2: Path) -> int:
    """How much of a Pico's flash, at its end, this firmware keeps its files in: 1408 KiB as RPI_PICO has it.

    A firmware that reaches into those is of a board that leaves them less (device/firmware/BMSRESCUE_PICO).
    """
    data = uf2.read_bytes()
    blocks = (_BLOCK.unpack_from(data, at) for at in range(0, len(data), _BLOCK_BYTES))
    end = max(address + size for _start0, _start1, _flags, address, size, *_rest in blocks)
    return next(size for size in _FILES_BYTES if end <= _FLASH_END - size)


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _known_digest(path: Path) -> str | None:
    try:
        return _digest_path(path).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return None


def _check_digest(path: Path) -> None:
    if _known_digest(path) != hashlib.sha256(path.read_bytes()).hexdigest():
        raise HostError(f"{path} is not what was downloaded", "Download it again with `bmsrescue twin firmware`.")
