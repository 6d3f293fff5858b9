"""UF2: 512-byte blocks, each with its address (github.com/microsoft/uf2, README and utils/uf2families.json)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from bmsrescue.image.contents import Contents, ImageFileError, Segment

BLOCK_BYTES = 512
_MAGIC = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
_NOT_MAIN_FLASH, _FILES, _FAMILY, _TAGS = 0x1, 0x1000, 0x2000, 0x8000
_MOST_PAYLOAD = 476
_VERSION, _DEVICE = 0x9FC7BC, 0x650D9D
_COPY_AGAIN = "Copy it again."
_STM32H7 = 0x6DB66082
_FAMILIES = {
    0x300F5633: "STM32G0",
    0x4C71240A: "STM32G4",
    0x1E1F432D: "STM32L1",
    0x00FF6919: "STM32L4",
    0x04240BDF: "STM32L5",
    0x647824B6: "STM32F0",
    0x5EE21072: "STM32F1",
    0x5D1A0A2E: "STM32F2",
    0x6B846188: "STM32F3",
    0x57755A57: "STM32F4",
    0x6D0922FA: "STM32F407",
    0x8FB060FE: "STM32F407VG",
    0x53B80F00: "STM32F7",
    0x70D16653: "STM32WB",
    0x21460FF0: "STM32WL",
    0x68ED2B88: "SAMD21",
    0x55114460: "SAMD51",
    0xADA52840: "NRF52840",
    0x1C5F21B0: "ESP32",
    0xE48BFF56: "RP2040",
}


@dataclass
class Uf2:
    """What a file holds for an STM32H7. `notes`: what a person should know."""

    segments: list[Segment]
    version: str = ""
    notes: list[str] = field(default_factory=list)


def is_uf2(content: bytes) -> bool:
    return struct.unpack_from("<II", content.ljust(8, b"\0")) == _MAGIC


def read_uf2(content: bytes, name: str) -> Uf2:
    """Raises ImageFileError."""
    if len(content) % BLOCK_BYTES:
        raise ImageFileError(f"{name} ends early: UF2 has blocks of 512 bytes", _COPY_AGAIN)
    contents: dict[int | None, Contents] = {}
    seen: dict[int | None, set[int]] = {}
    wanted: dict[int | None, int] = {}
    told: dict[int, str] = {}
    for at in range(0, len(content), BLOCK_BYTES):
        block = content[at : at + BLOCK_BYTES]
        first, second, flags, address, length, number, count, family_id = struct.unpack_from("<8I", block)
        if (first, second) != _MAGIC or int.from_bytes(block[-4:], "little") != _END or length > _MOST_PAYLOAD:
            raise ImageFileError(f"{name} is damaged: block {at // BLOCK_BYTES}", _COPY_AGAIN)
        family = family_id if flags & _FAMILY else None
        seen.setdefault(family, set()).add(number)
        wanted[family] = max(wanted.get(family, 0), count)
        for kind, text in _tags(block, length) if flags & _TAGS else ():
            told.setdefault(kind, text)
        if not flags & (_NOT_MAIN_FLASH | _FILES):
            contents.setdefault(family, Contents(name)).add(address, block[32 : 32 + length])
    for family, numbers in seen.items():
        if len(numbers) < wanted[family]:
            raise ImageFileError(f"{name} has {len(numbers)} of {wanted[family]} blocks", _COPY_AGAIN)
    if not contents:
        raise ImageFileError(
            f"{name} holds files for a device's own file system, and nothing for its flash",
            "Choose the firmware of this unit.",
        )
    family = _ours(list(contents), name)
    notes = [f"left out: what it has for {_named(other)}" for other in contents if other != family]
    if family not in (None, _STM32H7):
        notes.append(f"it is made for a family that is not known here ({_named(family)})")
    if _DEVICE in told:
        notes.append(f"it says it is for: {told[_DEVICE]}")
    return Uf2(contents[family].segments(), told.get(_VERSION, ""), notes)


def _ours(families: list[int | None], name: str) -> int | None:
    for family in (_STM32H7, None):
        if family in families:
            return family
    others = [family for family in families if family not in _FAMILIES]
    if len(others) == 1:
        return others[0]
    made_for = " and ".join(_named(family) for family in families)
    raise ImageFileError(f"{name} is made for {made_for}, not for an STM32H7", "Choose the firmware of this unit.")


def _named(family: int | None) -> str:
    return "no family" if family is None else _FAMILIES.get(family, f"family 0x{family:08x}")


def _tags(block: bytes, length: int) -> Iterator[tuple[int, str]]:
    at = 32 + (length + 3) // 4 * 4
    while at + 4 <= 32 + _MOST_PAYLOAD:
        size, kind = block[at], int.from_bytes(block[at + 1 : at + 4], "little")
        if size < 4 or at + size > 32 + _MOST_PAYLOAD or kind in (0, 0xFFFFFF):
            return
        if kind in (_VERSION, _DEVICE):
            text = block[at + 4 : at + size].rstrip(b"\0").decode("utf-8", "replace")
            yield kind, "".join(char if char.isprintable() else "?" for char in text)
        at += (size + 3) // 4 * 4
