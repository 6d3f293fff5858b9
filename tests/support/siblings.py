"""Units of one kind on the twin, each with data of its own: what a good one's backup is, and what a dead one holds."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

from bmsrescue.card.fat import make_image
from bmsrescue.sibling.good import Backup, load_dead, load_good
from bmsrescue.sibling.job import build_job
from bmsrescue.sibling.own import map_of
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.field.generate import generate
from bmsrescue.twin.firmware import PREVIOUS_VERSION, image_bytes
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.flash_damage import load_application
from bmsrescue.twin.scenarios.scenario import build_unit
from dongle_run import DongleRun, press_button

FLASH = 0x0800_0000
SECTOR = 0x2_0000
CALIBRATION = 0x080E_0000
IMAGE = image_bytes()
Own = Mapping[int, bytes]
"""What a unit holds besides firmware and calibration, by address."""


def sealed(seed: object, length: int) -> bytes:
    """A block with its CRC-32 behind it."""
    body = Random(f"own {seed}").randbytes(length - 4)
    return body + zlib.crc32(body).to_bytes(4, "little")


def ring(seed: object, entries: int) -> bytes:
    """A log that grows upwards, 32 bytes an entry; what follows is erased."""
    draw = Random(f"ring {seed}")
    return b"".join(n.to_bytes(4, "little") + draw.randbytes(28) for n in range(entries))


def put(unit: Unit, own: Own) -> None:
    for address, data in own.items():
        unit.chip.flash.load(address, data)


def good_unit(seed: int, own: Own | None = None, version: str = "", config: ChipConfig | None = None) -> Unit:
    """A unit that works."""
    scenario = find("healthy")
    unit = build_unit(replace(scenario, config=config) if config else scenario, seed)
    if version:
        load_application(unit, version)
    put(unit, own or {})
    return unit


def half_on(own: Own) -> Callable[[Unit], None]:
    """The update from 1.1.0 was cut after the first sector's erase; the unit's own data elsewhere are there."""

    def breaks(unit: Unit) -> None:
        load_application(unit, PREVIOUS_VERSION)
        put(unit, own)
        unit.chip.flash.blank(0)

    return breaks


def uid_of(unit: Unit) -> str:
    return "".join(f"{word:08X}" for word in reversed(unit.chip.config.unique_id))


def backup_file(folder: Path, name: str, unit: Unit, torn: tuple[int, ...] = ()) -> Path:
    """What `bmsrescue backup` writes of this unit."""
    data = unit.chip.flash.snapshot()
    path = folder / name
    path.write_bytes(data)
    facts = {
        "chip": {"uid": uid_of(unit), "name": f"STM32{unit.chip.config.part}"},
        "address": FLASH,
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
        "torn": list(torn),
    }
    path.with_name(name + ".json").write_text(json.dumps(facts))
    return path


def sources(folder: Path, *units: Unit) -> list[Backup]:
    """Good units, as `card build --from` reads them."""
    return [
        one for number, unit in enumerate(units) for one in load_good(backup_file(folder, f"good{number}.bin", unit))
    ]


class Cure:
    """Good units' backups, a job made of them, and one press of the button on a dead unit."""

    def __init__(
        self, folder: Path, good: list[Unit], breaks: Callable[[Unit], None], seed: int = 3, with_dead: bool = True
    ) -> None:
        scenario = replace(find("healthy"), breaks=breaks)
        dead = None
        if with_dead:
            dead = load_dead(backup_file(folder, "dead.bin", build_unit(scenario, seed)))
        self.built, self.map = build_job(map_of(sources(folder, *good)), dead)
        self.job = json.loads(self.built.files["job.json"])
        card = make_image(self.built.files)
        self.run: DongleRun = press_button(TwinRig(scenario, card, seed=seed), card)

    @property
    def outcome(self) -> str:
        outcome: str = self.run.record["outcome"]
        return outcome

    def keeps(self, address: int, length: int) -> bool:
        """Whether the dead unit holds there, byte for byte, what it held before."""
        low = address - FLASH
        return self.run.flash_after[low : low + length] == self.run.flash_before[low : low + length]

    def holds_image(self) -> bool:
        return self.run.flash_after[: len(IMAGE)] == IMAGE


class GeneratedCure:
    """Two good siblings of a generated unit, and a press on that unit with the job that comes of them."""

    def __init__(self, seed: int) -> None:
        self.case = generate(seed)
        good = [self._sibling(n) for n in (1, 2)]
        unit = self.case.build_unit()
        flash, word = unit.chip.flash, unit.chip.flash.geometry.word_size
        self.before = bytearray(flash.snapshot())
        self.torn = [at for at in range(0, len(self.before), word) if flash.is_torn(FLASH + at)]
        for at in self.torn:
            self.before[at : at + word] = b"\xff" * word
        holes = tuple((FLASH + at, word) for at in self.torn)
        dead = Backup("dead.bin", bytes(self.before), good[0].chip, uid_of(unit), holes=holes)
        self.built, self.map = build_job(map_of(good), dead)
        document = json.loads(self.built.files["job.json"])
        self.asked = document["policy"].get("check_config", False)
        for key in ("limits", "board"):
            if key in self.case.job:
                document[key] = self.case.job[key]
        card = make_image({**self.built.files, "job.json": json.dumps(document).encode()})
        self.result = VirtualHelper(unit, wire_over(unit.swd), card, seed=seed).run()
        self.after = flash.snapshot()

    def siblings_own(self, number: int) -> dict[int, bytes]:
        """What only that sibling has."""
        return {area.address: sealed((self.case.seed, number, area.name), area.length) for area in self.case.layout.own}

    def changed(self) -> list[int]:
        """Offsets at which own data, bootloader or what lies outside the application is not what it was."""
        layout = self.case.layout
        program = set()
        for address, data in self.case.segments():
            program |= set(range(address - FLASH, address - FLASH + len(data) + -len(data) % 32))
        word = layout.geometry.word_size
        return [
            at
            for at in range(0, len(self.before), word)
            if at not in program and at not in self.torn and self.after[at : at + word] != self.before[at : at + word]
        ]

    def _sibling(self, number: int) -> Backup:
        case, layout = self.case, self.case.layout
        data = bytearray(b"\xff" * layout.geometry.size)
        pieces = [*self.siblings_own(number).items(), *case.segments()]
        if layout.bootloader is not None:
            pieces.append((layout.bootloader.address, case.own_data[layout.bootloader.address]))
        for address, piece in pieces:
            data[address - FLASH : address - FLASH + len(piece)] = piece
        options = {"boot_add0": layout.boot_address}
        return Backup(f"good{number}.bin", bytes(data), f"STM32{layout.part}", "", options)
