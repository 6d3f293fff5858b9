"""The job that brings a good unit's firmware to a dead one and leaves what is that unit's own.

Everything in the job's sectors that is not firmware is preserved, erased stretches included: what a sibling has blank
there may be a longer log in the dead unit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bmsrescue.card.build import Built, describe_job
from bmsrescue.card.check import JOB_FILE, CardBuildError, check_image, read_job
from bmsrescue.image.contents import Segment
from bmsrescue.image.markers import Marker, find_markers, take_marker
from bmsrescue.sibling.good import Backup, SiblingError
from bmsrescue.sibling.own import FlashMap, Part
from rescuelink.job import MAX_REGIONS, MAX_SEGMENTS
from rescuelink.targets import FLASH_BASE, TARGETS

_OPTIONS = (("optsr", 0x2306_00DC), ("boot", 0xFFFF_FFFF))  # what docs/job-format.md lets a job ask for
_TOLD = 8


@dataclass(frozen=True)
class Choices:
    """What a person says beside the backups."""

    version: str = ""
    markers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lost:
    """Own data that the dead unit does not have any more."""

    part: Part
    torn: bool


def build_job(found: FlashMap, dead: Backup | None, choices: Choices | None = None) -> tuple[Built, FlashMap]:
    """The card's files with what a person should know; and the map as the dead unit's backup has refined it.

    Raises:
        SiblingError, CardBuildError, MarkerError: no job can be made; says why.
    """
    choices, good = choices or Choices(), found.good
    lost: list[Lost] = []
    if dead is not None:
        _check_same_kind(good, dead)
        found, lost = _refined(found, dead)
    fills = [fill for one in lost for fill in _shared_bytes(found, one)]
    segments = _segments(found, fills)
    owned = _owned(found, segments)
    segments, kept = _regions(found, segments, owned)
    programs = [Segment(part.address, good.data[part.start : part.end]) for part in found.of("image")]
    names = find_markers(programs)
    version = choices.version or _version(names)
    files = describe_job(_stem(good.name), version, segments, good.chip, good.flash_kib, boot=good.boot_address)
    document = json.loads(files[JOB_FILE])
    document["name"] = f"from {_stem(good.name)}"[:60]
    document["policy"]["preserve"] = kept
    options = _golden(found.units)
    if options:
        document["options"] = options
        document["policy"]["ask"] = ["option-bytes"]
    markers = [take_marker(asked, programs) for asked in choices.markers] or _marker(names, dead)
    if markers:
        document["target"]["marker"] = markers
    reasons = _doubts(found, dead, owned, lost)
    if reasons:
        document["policy"]["check_config"] = True
    files[JOB_FILE] = json.dumps(document, indent=2).encode() + b"\n"
    job, _document = read_job(files)
    check_image(job, files)
    return Built(files, [*_told(found, dead, owned, lost), *reasons]), found


def _stem(name: str) -> str:
    return name.split(" on ")[0].rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _check_same_kind(good: Backup, dead: Backup) -> None:
    if (good.chip, good.flash_kib) != (dead.chip, dead.flash_kib):
        raise SiblingError(
            f"{dead.name} is of an {dead.chip} with {dead.flash_kib} KiB, "
            f"{good.name} of an {good.chip} with {good.flash_kib} KiB",
            "They are no siblings. Give the backup of a unit of the dead one's kind.",
        )
    if dead.data == good.data:
        raise SiblingError(f"{dead.name} and {good.name} are the same", "Give the dead unit's own backup, or none.")


# --- what the dead unit's backup says of the parts ---


def _refined(found: FlashMap, dead: Backup) -> tuple[FlashMap, list[Lost]]:
    parts, lost = [], []
    for part in found.parts:
        if part.kind == "image" or _holds_the_same(found, dead, part):
            parts.append(part)
        elif _same_in_all(found, part) and _has_nothing_else(found, dead, part):
            parts.append(replace(part, kind="image", why=f"{part.why}; lost in the dead unit, all siblings agree"))
        else:
            parts.append(part)
            if not _has_data(dead, part):
                lost.append(Lost(part, _touches_hole(dead, part)))
    return replace(found, parts=tuple(parts)), lost


def _has_data(dead: Backup, part: Part) -> bool:
    piece = dead.data[part.start : part.end]
    return piece.count(0xFF) < len(piece)


def _has_nothing_else(found: FlashMap, dead: Backup, part: Part) -> bool:
    # Each of its words is erased, torn or as in the siblings: to write theirs takes nothing from the unit.
    word = TARGETS[dead.chip].word_bytes
    return all(
        dead.data[at : at + word] in (b"\xff" * word, found.good.data[at : at + word])
        for at in range(part.start, part.end, word)
    )


def _holds_the_same(found: FlashMap, dead: Backup, part: Part) -> bool:
    return dead.data[part.start : part.end] == found.good.data[part.start : part.end]


def _touches_hole(dead: Backup, part: Part) -> bool:
    return any(at < part.address + part.length and part.address < at + length for at, length in dead.holes)


def _same_in_all(found: FlashMap, part: Part) -> bool:
    first = found.good.data[part.start : part.end]
    return len(found.units) > 1 and all(unit.data[part.start : part.end] == first for unit in found.units[1:])


def _shared_bytes(found: FlashMap, lost: Lost) -> list[Segment]:
    # The firmware's bytes in the first and last flash word of own data that is gone; its own bytes stay blank.
    part, word = lost.part, TARGETS[found.good.chip].word_bytes
    if part.exact is None or lost.torn:
        return []
    data = bytearray(found.good.data[part.start : part.end])
    low, high = part.exact.start - part.start, part.exact.end - part.start
    data[low:high] = b"\xff" * (high - low)
    pieces = [Segment(part.address + at, bytes(data[at : at + word])) for at in range(0, len(data), word)]
    return [piece for piece in pieces if piece.data.count(0xFF) < len(piece.data)]


# --- the image, and what is preserved beside it ---


def _segments(found: FlashMap, fills: Sequence[Segment]) -> list[Segment]:
    data = found.good.data
    pieces = [Segment(part.address, data[part.start : part.end]) for part in found.of("image")] + list(fills)
    joined: list[Segment] = []
    for piece in sorted(pieces, key=lambda piece: piece.address):
        if joined and joined[-1].end == piece.address:
            joined[-1] = Segment(joined[-1].address, joined[-1].data + piece.data)
        else:
            joined.append(piece)
    return joined


def _owned(found: FlashMap, segments: Sequence[Segment]) -> list[int]:
    size = TARGETS[found.good.chip].sector_bytes
    return sorted(
        {
            number
            for segment in segments
            for number in range((segment.address - FLASH_BASE) // size, (segment.end - 1 - FLASH_BASE) // size + 1)
        }
    )


def _regions(
    found: FlashMap, segments: list[Segment], owned: Sequence[int]
) -> tuple[list[Segment], list[dict[str, object]]]:
    size = TARGETS[found.good.chip].sector_bytes
    while True:
        gaps = _gaps(segments, owned, size)
        if len(segments) <= MAX_SEGMENTS and len(gaps) <= MAX_REGIONS:
            return segments, [_region(found, low, high) for low, high in gaps]
        inner = [
            (high - low, low, high)
            for low, high in gaps
            if not any(part.kind != "image" and part.address < high and low < part.address + part.length
                       for part in found.parts)
            and any(segment.end == low for segment in segments)
            and any(segment.address == high for segment in segments)
        ]  # fmt: skip
        if not inner:
            raise CardBuildError(
                f"firmware and own data lie in {len(segments)} and {len(gaps)} pieces, a helper takes {MAX_SEGMENTS} "
                f"and {MAX_REGIONS}",
                "Say with --take or --keep what belongs together.",
            )
        length, low, high = min(inner)
        before = next(segment for segment in segments if segment.end == low)
        after = next(segment for segment in segments if segment.address == high)
        at = segments.index(before)
        segments[at : at + 2] = [Segment(before.address, before.data + b"\xff" * length + after.data)]


def _gaps(segments: Sequence[Segment], owned: Sequence[int], size: int) -> list[tuple[int, int]]:
    gaps: list[tuple[int, int]] = []
    for number in owned:
        at, end = FLASH_BASE + number * size, FLASH_BASE + (number + 1) * size
        for segment in segments:
            if segment.end <= at or end <= segment.address:
                continue
            if at < segment.address:
                gaps.append((at, segment.address))
            at = segment.end
        if at < end:
            gaps.append((at, end))
    joined: list[tuple[int, int]] = []
    for low, high in gaps:
        if joined and joined[-1][1] == low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined


def _region(found: FlashMap, low: int, high: int) -> dict[str, object]:
    inside = [
        part
        for part in found.parts
        if part.kind != "image" and part.address < high and low < part.address + part.length
    ]
    name = "own data" if inside else "blank space"
    why = "; ".join(dict.fromkeys(part.why for part in inside)) or "erased in the good unit: room for logs"
    return {"name": name, "address": f"0x{low:08x}", "length": high - low, "why": why[:200]}


# --- what else the job says ---


def _version(names: Sequence[Marker]) -> str:
    versions = {name.text for name in names if name.kind == "version"}
    return versions.pop() if len(versions) == 1 else ""


def _marker(names: Sequence[Marker], dead: Backup | None) -> list[dict[str, object]]:
    """The first product's name that the dead unit holds at the same place."""
    for name in names:
        if dead is None or name.kind != "product":
            continue
        at = name.address - FLASH_BASE
        if dead.data[at : at + len(name.text)] == name.text.encode():
            return [{"address": f"0x{name.address:08x}", "text": name.text}]
    return []


def _golden(units: Sequence[Backup]) -> dict[str, Any]:
    golden = {}
    for name, mask in _OPTIONS:
        values = {unit.options.get(name) for unit in units}
        masked = {None if value is None else value & mask for value in values}
        if len(masked) == 1 and None not in masked:
            golden[name] = {"value": f"0x{(masked.pop() or 0):08x}", "mask": f"0x{mask:08x}"}
    return golden


def _inside(found: FlashMap, owned: Sequence[int], part: Part) -> bool:
    size = TARGETS[found.good.chip].sector_bytes
    return any(number in owned for number in range(part.start // size, (part.end - 1) // size + 1))


def _doubts(found: FlashMap, dead: Backup | None, owned: Sequence[int], lost: Sequence[Lost]) -> list[str]:
    """Why the unit's configuration has to be checked afterwards; empty where it need not be."""
    reasons = []
    if len(found.units) == 1 and not found.is_whole:
        reasons.append(
            "one good unit whose program carries no seal: data of its own inside the program would go unseen; a second "
            "good unit shows them"
        )
    unknown = [part for part in found.of("unknown") if dead is None or not _holds_the_same(found, dead, part)]
    if dead is not None:
        unknown += [
            part
            for part in found.of("own")
            if _same_in_all(found, part) and _has_data(dead, part) and not _holds_the_same(found, dead, part)
        ]
    if unknown:
        reasons.append(
            f"nothing tells whether {_places(unknown)} is firmware or own data: it stays as the unit has it "
            "(--take ADDRESS where it is firmware)"
        )
    mine = [part for part in found.of("own") if _inside(found, owned, part)]
    if mine and dead is None:
        reasons.append(
            f"own data at {_places(mine)} lies in sectors that an update erases: whether the unit still has it shows "
            "its backup (--dead DEAD)"
        )
    if lost:
        reasons.append(f"the dead unit has lost its own data at {_places([one.part for one in lost])}: to be made anew")
    if dead is not None and any(part.why.endswith("all siblings agree") for part in found.of("image")):
        reasons.append("data that the dead unit has lost, and that is the same in all siblings, is taken from them")
    if reasons:
        reasons.append("the run will end as RECOVERED_CHECK_CONFIG")
    return reasons


def _places(parts: Sequence[Part]) -> str:
    named = [f"0x{part.address:08x} ({part.length} bytes)" for part in parts[:_TOLD]]
    return ", ".join(named) + (f" and {len(parts) - _TOLD} more" if len(parts) > _TOLD else "")


def _told(found: FlashMap, dead: Backup | None, owned: Sequence[int], lost: Sequence[Lost]) -> list[str]:
    good, size = found.good, TARGETS[found.good.chip].sector_bytes
    names = ", ".join(unit.name + (f" (UID {unit.uid})" if unit.uid else "") for unit in found.units)
    notes = [f"source: {names}"]
    notes.append(
        f"own data told apart by {found.told_by}" if found.told_by else "nothing tells own data apart from firmware"
    )
    others = [number for number in range(len(good.data) // size) if number not in owned]
    notes.append(f"the job writes in {_sectors(owned)}; all in them that is not the program's stays as the unit has it")
    if others:
        notes.append(f"{_sectors(others)} are left alone" if len(others) > 1 else f"{_sectors(others)} is left alone")
    if dead is not None and not lost:
        notes.append(f"what is its own is still there in {dead.name}")
    return notes


def _sectors(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [f"{low}" if low == high else f"{low} to {high}" for low, high in runs]
    return ("sectors " if len(numbers) > 1 else "sector ") + ", ".join(named)
