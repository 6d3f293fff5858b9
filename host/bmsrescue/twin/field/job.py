"""The job on the card: what a person may have written for such a unit."""

from __future__ import annotations

from random import Random

from bmsrescue.twin.chip.flash.option_bytes import factory_values
from bmsrescue.twin.chip.parts import PARTS
from bmsrescue.twin.firmware import PINS

from . import images
from .boards import Board
from .case import Fault, History
from .history import FLAG
from .images import ALIVE_ADDRESS, MARKER_OFFSET, VERSION_OFFSET, Build
from .layout import Layout

OPTSR_MASK = 0x200600DC
"""Brown-out level, watchdogs, I/O and bank switches: what a maker's golden values usually name."""


def draw_job(
    rng: Random, layout: Layout, board: Board, image: Build, second: bytes, history: History, faults: tuple[Fault, ...]
) -> tuple[dict[str, object], frozenset[str]]:
    """What the job says beside its segments, key by key, and what it consents to."""
    consent = _consent(rng, history, faults)
    owned = set(layout.sectors_of(image.base, image.length))
    if second and layout.second is not None:
        owned |= set(layout.sectors_of(layout.second.address, len(second)))
    preserve = [
        {"name": area.name, "address": f"0x{area.address:08x}", "length": area.length}
        for area in layout.own
        if set(layout.sectors_of(area.address, area.length)) & owned
    ]
    mode = "rewrite" if rng.random() < 0.08 else "repair"
    job: dict[str, object] = {
        "policy": {"mode": mode, "preserve": preserve, "consent": sorted(consent)},
        "target": {"boot_address": f"0x{image.base:08x}"},
    }
    if rng.random() < 0.55:
        marker = {"address": f"0x{image.base + MARKER_OFFSET:08x}", "text": image.product}
        job["target"] = {"boot_address": f"0x{image.base:08x}", "marker": marker}
    if rng.random() < 0.55:
        job["image"] = {"version_address": f"0x{image.base + VERSION_OFFSET:08x}"}
    golden = factory_values(PARTS[layout.part])
    boot = golden.boot & 0xFFFF0000 | layout.boot_address >> 16
    if rng.random() < 0.35:
        job["options"] = {
            "optsr": {"value": f"0x{golden.optsr:08X}", "mask": f"0x{OPTSR_MASK:08X}"},
            "boot": {"value": f"0x{boot:08X}"},
        }
    if layout.bootloader is not None and rng.random() < 0.75:
        job["bootloader"] = {
            "address": f"0x{layout.bootloader.address:08x}",
            "length": layout.bootloader.length,
            "flag": {"address": f"0x{layout.flag_address:08x}", "set": f"0x{FLAG:08X}"},
        }
    if board.traits.latch_kind == "remembers" and rng.random() < 0.4:
        job["latch"] = {"pin": PINS["latch"], "off": "low"}
    job["proof"] = _proof(rng, image)
    return job, consent


def _consent(rng: Random, history: History, faults: tuple[Fault, ...]) -> frozenset[str]:
    consent = {word for word in ("newer-firmware", "older-firmware", "unknown-application") if rng.random() < 0.12}
    wanted = {"older": "older-firmware", "newer": "newer-firmware", "waiting": "update-flag",
              "sister": "unknown-application", "unknown": "unknown-application"}.get(history.kind)  # fmt: skip
    if wanted is not None and rng.random() < 0.4:
        consent.add(wanted)
    for fault in faults:
        word = {"wrp": "wrp", "rdp1": "rdp-regression", "boot-address": "option-bytes", "iwdg-option": "option-bytes",
                "bor-option": "option-bytes"}.get(fault.kind)  # fmt: skip
        if fault.kind == "torn-own":
            word = f"sector:{min(fault.sectors)}"
        if word is not None and rng.random() < 0.5:
            consent.add(word)
    if rng.random() < 0.05:
        consent |= {"wrp", "option-bytes", "update-flag"}
    return frozenset(consent)


def _proof(rng: Random, image: Build) -> dict[str, object]:
    proof: dict[str, object] = {"rule": "core-running", "window_ms": 100, "timeout_ms": 5000}
    kind = rng.random()
    if kind < 0.25:
        proof["rule"] = "mailbox"
        proof["mailbox"] = {"address": f"0x{ALIVE_ADDRESS:08x}"}
    elif kind < 0.35:
        proof["rule"] = "pin"
        proof["pin"] = {"pin": PINS["led_run"], "level": "toggles"}
        proof["window_ms"] = 700
    if rng.random() < 0.35:
        core_hz = 64_000_000
        if image.flags & images.USES_PLL:
            core_hz = 200_000_000 if image.flags & images.FAST_200 else 400_000_000
        proof["min_clock_hz"] = core_hz * 9 // 10
    return proof
