"""Backups of whole units: a file of the bench or of a dongle's card, with what is known of the unit it is from.

A bench backup is OUT and OUT.json, a dongle's backups/UID-N.elf and UID-N.json (UID-N.bin before December 2026); a dump
of somebody else's tool has neither. The record beside a dongle's backup says more: chip, option bytes, how the unit
was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from bmsrescue.card.check import LEARN
from bmsrescue.card.storage import IMAGE_SUFFIX, read_card
from bmsrescue.errors import HostError, UsageError
from bmsrescue.image import linked_at
from bmsrescue.image.linked_at import Vectors
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.image.whole_flash import cannot_start
from rescuelink.targets import FLASH_BASE, TARGETS, stack_pointer_valid

DEFAULT_CHIP = "STM32H725"
_MOST_BYTES = (2 << 20) + 4096  # with the head of an ELF file
_RECORDS = "records/records.jsonl"
_TAKE_ANOTHER = "Take the backup of a unit that works."


class SiblingError(HostError):
    """What was given cannot be the source of another unit's firmware."""


@dataclass(frozen=True)
class Backup:
    """One unit's whole flash. `data[0]` lies at FLASH_BASE. uid, options: empty where nobody knows them.

    holes: addresses and lengths that could not be read, 0xFF in `data`.
    """

    name: str
    data: bytes
    chip: str
    uid: str = ""
    options: Mapping[str, int] = field(default_factory=dict)
    holes: tuple[tuple[int, int], ...] = ()

    @property
    def flash_kib(self) -> int:
        return len(self.data) // 1024

    @property
    def boot_address(self) -> int:
        """Where the chip starts: what the option bytes say, else the first vector table."""
        known = self.options.get("boot_add0")
        if known is not None:
            return known
        size = TARGETS[self.chip].sector_bytes
        starts = range(0, len(self.data), size)
        return FLASH_BASE + next((at for at in starts if self.vectors(FLASH_BASE + at)), 0)

    def vectors(self, address: int) -> Vectors | None:
        """The vector table there, if it is one that this chip could start."""
        offset = address - FLASH_BASE
        found = linked_at.vectors_in(self.data, offset) if 0 <= offset < len(self.data) else None
        if found is None or not stack_pointer_valid(TARGETS[self.chip], found.stack):
            return None
        start = found.reset - FLASH_BASE
        return found if 0 <= start < len(self.data) - 4 and self.data[start : start + 4] != b"\xff" * 4 else None


def load_good(path: Path, chip: str = "") -> list[Backup]:
    """The good units of `path`: a backup, or a card on which a dongle has learned one or more.

    Raises:
        SiblingError: it is no source; says why and what to do.
    """
    found = _of_card(path, chip, learned=True) if _is_card(path) else [_of_file(path, chip)]
    for backup in found:
        _check_good(backup)
    return found


def load_dead(path: Path, chip: str = "") -> Backup:
    """The dead unit's backup; of a card the newest one. It may have holes. Raises SiblingError."""
    return _of_card(path, chip, learned=False)[-1] if _is_card(path) else _of_file(path, chip)


def _is_card(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() == IMAGE_SUFFIX


def _of_file(path: Path, chip: str) -> Backup:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SiblingError(f"{path.name} has {path.stat().st_size >> 20} MiB: no chip's whole flash", _TAKE_ANOTHER)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", "Check the name.") from error
    except OSError as error:
        raise SiblingError(f"cannot read {path}: {error.strerror}", "Check the name and the permissions.") from error
    for beside in (path.with_name(path.name + ".json"), path.with_suffix(".json")):
        facts = _facts(beside)
        if facts is not None:
            return _backup(path.name, data, facts, {}, chip)
    return _backup(path.name, data, {}, {}, chip)


def _facts(path: Path) -> dict[str, Any] | None:
    """What stands beside a backup; None for a file that is missing or is none of its kind (a job, say)."""
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and "sha256" in facts and "torn" in facts else None


def _of_card(path: Path, chip: str, learned: bool) -> list[Backup]:
    # Each unit's newest backup, in the order of the records.
    files = read_card(path)
    found: dict[str, Backup] = {}
    for record in _records(files):
        kept, job = record.get("backup"), record.get("job")
        if not isinstance(kept, dict) or not isinstance(kept.get("file"), str) or kept["file"] not in files:
            continue
        mode = job.get("mode") if isinstance(job, dict) else None
        if (mode == LEARN) != learned:
            continue
        facts = _json(files.get(str(PurePosixPath(kept["file"]).with_suffix(".json")), b"{}"))
        backup = _backup(f"{kept['file']} on {path.name}", files[kept["file"]], facts, record, chip)
        found.pop(backup.uid, None)
        found[backup.uid] = backup
    if found:
        return list(found.values())
    if learned:
        raise SiblingError(
            f"{path} has no good unit's backup on it",
            'Let a dongle learn one: a card with a job that says "mode": "learn" (bmsrescue card build --learn).',
        )
    raise SiblingError(f"{path} has no backup on it", "Give the file of the dead unit's backup.")


def _records(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    lines = files[_RECORDS].splitlines() if _RECORDS in files else []
    return [record for record in map(_json, lines) if record]


def _json(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _backup(name: str, data: bytes, facts: dict[str, Any], record: dict[str, Any], chip: str) -> Backup:
    unit = record.get("unit") or facts.get("chip")
    unit = unit if isinstance(unit, dict) else {}
    if facts.get("sha256") not in (None, hashlib.sha256(data).hexdigest()):
        raise SiblingError(f"{name} is not what its facts say: another SHA-256", "Copy both files again.")
    data = whole_flash(data, name)
    name_of_chip = chip or _chip_of(unit, len(data) // 1024)
    if name_of_chip not in TARGETS:
        raise SiblingError(f"{name_of_chip} is not known", f"Use --chip with one of {', '.join(sorted(TARGETS))}.")
    sizes = TARGETS[name_of_chip].flash_kib
    if len(data) not in [kib * 1024 for kib in sizes] or facts.get("address", FLASH_BASE) != FLASH_BASE:
        raise SiblingError(
            f"{name} has {len(data)} bytes: not the whole flash of an {name_of_chip} "
            f"({' or '.join(str(kib) for kib in sizes)} KiB)",
            "Read the whole flash (bmsrescue backup), or say with --chip what the unit has. "
            "A maker's firmware goes without --from.",
        )
    word = TARGETS[name_of_chip].word_bytes
    holes = [(int(at), word) for at in facts.get("torn") or []]
    holes += [(int(at), int(size)) for at, size in facts.get("protected") or []]
    evidence = record.get("evidence")
    options = evidence.get("options") if isinstance(evidence, dict) else facts.get("options")
    return Backup(
        name,
        data,
        name_of_chip,
        str(unit.get("uid") or facts.get("uid") or ""),
        {key: value for key, value in (options or {}).items() if isinstance(value, int)},
        tuple(sorted(holes)),
    )


def _chip_of(unit: dict[str, Any], flash_kib: int) -> str:
    name, dev_id = unit.get("name"), unit.get("dev_id")
    if name in TARGETS:
        return str(name)
    fitting = [known for known, facts in TARGETS.items() if dev_id == facts.dev_id and flash_kib in facts.flash_kib]
    if fitting:
        return fitting[0]
    if dev_id is not None:
        return str(name or f"chip 0x{dev_id:03x}")
    if flash_kib in TARGETS[DEFAULT_CHIP].flash_kib:
        return DEFAULT_CHIP
    return next((known for known, facts in TARGETS.items() if flash_kib in facts.flash_kib), DEFAULT_CHIP)


def _check_good(backup: Backup) -> None:
    if backup.holes:
        address, length = backup.holes[0]
        count = sum(length for _address, length in backup.holes)
        raise SiblingError(
            f"{backup.name} has holes: {count} bytes could not be read, the first {length} at 0x{address:08x} "
            "(torn or protected)",
            "A backup with holes is no source. " + _TAKE_ANOTHER,
        )
    if backup.data.count(0xFF) == len(backup.data):
        raise SiblingError(f"{backup.name} is blank: all of it is 0xFF (erased, or protected)", _TAKE_ANOTHER)
    if not backup.vectors(backup.boot_address):
        at = backup.boot_address - FLASH_BASE
        raise SiblingError(*cannot_start(backup.name, backup.data[at : at + 8], backup.boot_address))
