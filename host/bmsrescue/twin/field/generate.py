"""A seed makes a case. Each part draws from a generator of its own, so that one more draw in one changes no other."""

from __future__ import annotations

import json
import struct
import zlib
from hashlib import sha256
from random import Random

from bmsrescue.card.check import JOB_FILE, check_image, read_job
from bmsrescue.card.fat import make_image
from bmsrescue.twin.chip.parts import PARTS
from bmsrescue.twin.scenarios import unit_programs as programs
from rescuelink.job import default_job

from . import images
from .boards import Board, draw_board, draw_flags
from .case import Case
from .faults import draw_faults, draw_later, draw_taken_away
from .history import FLAG, draw_history
from .images import Build
from .job import draw_job
from .layout import Layout, draw_layout

_PRODUCTS = ("PACE-P16S100A1", "SEPLOS-EMU11-A1", "BR16S-200A-V3", "US2000-CTRL-A7")
_BOOT_STACK = 0x20010000
_BOOT_CODE = 0x100
_APB1LENR, _USART3, _VTOR = 0x580244E8, 0x40004800, 0xE000ED08


def generate(seed: int) -> Case:
    """The case of this seed."""
    layout = draw_layout(_draw(seed, "layout"))
    board = draw_board(_draw(seed, "board"), layout)
    image = _image(_draw(seed, "image"), layout, board)
    second = (
        b"" if layout.second is None else _draw(seed, "second").randbytes(_draw(seed, "length").randrange(64, 6000))
    )
    history = draw_history(_draw(seed, "history"), layout, image, second)
    faults = draw_faults(_draw(seed, "faults"), layout, board, image, history)
    faults += draw_later(_draw(seed, "later"), layout, board, image, history)
    faults += draw_taken_away(_draw(seed, "taken away"), layout, board, image, history)
    job, consent = draw_job(_draw(seed, "job"), layout, board, image, second, history, faults)
    return Case(seed, layout, board, image, second, history, faults, job, consent, _own_data(seed, layout))


def card_of(case: Case) -> bytearray:
    """The card that goes with it."""
    files = card_files(case)
    for fault in case.faults:
        if fault.flipped_at is not None:
            name = next(name for name in files if name != JOB_FILE)
            data = bytearray(files[name])
            data[int(fault.flipped_at * len(data))] ^= 0x10
            files[name] = bytes(data)
    return make_image(files)


def card_files(case: Case) -> dict[str, bytes]:
    """The files of its card."""
    part, name = case.layout.part, f"field-{case.seed}.bin"
    described: list[dict[str, object]] = []
    whole = b""
    for address, data in case.segments():
        described.append(
            {
                "address": f"0x{address:08x}",
                "length": len(data),
                "offset": len(whole),
                "sha256": sha256(data).hexdigest(),
            }
        )
        whole += data
    document = default_job(
        name,
        sha256(whole).hexdigest(),
        described,
        version=case.image.version,
        chip=f"STM32{part}",
        flash_kib=PARTS[part].flash_kib,
    )
    for key, value in case.job.items():
        known = document.get(key)
        document[key] = {**known, **value} if isinstance(value, dict) and isinstance(known, dict) else value
    files = {JOB_FILE: json.dumps(document, indent=2).encode() + b"\n", name: whole}
    check_image(read_job(files)[0], files)
    return files


def _draw(seed: int, part: str) -> Random:
    return Random(f"field {seed} {part}")


def _image(rng: Random, layout: Layout, board: Board) -> Build:
    room = layout.application.length
    if layout.second is not None and layout.second.address > layout.application.address:
        room = min(room, layout.second.address - layout.application.address)
    length = min(room, images.SHORTEST + int(10 ** rng.uniform(2.0, 4.6)))
    if rng.random() < 0.4:
        length -= length % 32  # others end in the middle of a flash word
    version = f"{rng.randrange(1, 4)}.{rng.randrange(1, 9)}.{rng.randrange(9)}"
    return Build(
        product=rng.choice(_PRODUCTS),
        version=version,
        base=layout.application.address,
        length=max(images.SHORTEST, length),
        flags=draw_flags(rng, board, layout),
        supply=board.cr3,
        sealed=rng.random() < 0.6,
    )


def _own_data(seed: int, layout: Layout) -> dict[int, bytes]:
    rng = _draw(seed, "own")
    own = {area.address: _sealed(rng, area.length) for area in layout.own}
    if layout.bootloader is not None:
        own[layout.bootloader.address] = _bootloader(rng, layout)
    return own


def _sealed(rng: Random, length: int) -> bytes:
    """A block that ends in its own CRC-32, as calibration does."""
    body = rng.randbytes(length - 4)
    return body + zlib.crc32(body).to_bytes(4, "little")


def _bootloader(rng: Random, layout: Layout) -> bytes:
    """Waits for an update while its flag is set, else starts the application."""
    if layout.bootloader is None or layout.flag_address is None:
        raise ValueError("this layout has no bootloader")
    start = layout.bootloader.address
    vectors = struct.pack("<II", _BOOT_STACK, start + _BOOT_CODE | 1)
    words = (layout.flag_address, FLAG, _APB1LENR, _USART3, layout.application.address, _VTOR)
    program = programs.BOOTLOADER[: -4 * len(words)] + struct.pack(f"<{len(words)}I", *words)
    image = vectors.ljust(_BOOT_CODE, b"\0") + program
    return image + rng.randbytes(rng.randrange(200, 3000))
