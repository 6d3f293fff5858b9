"""Makes a card's files from a firmware image, or from a job file and the image it names.

A job file is a `job.json` as the agent reads it. Its `image` may also hold only `file` (an ELF, Intel HEX or BIN beside
the job), with `version` and, for a BIN, `base`: the builder then works out segments and hashes.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bmsrescue.card.check import JOB_FILE, LEARN, CardBuildError, check_image, parse_document, read_job, validated
from bmsrescue.errors import UsageError
from bmsrescue.image.contents import ImageFileError, Segment
from bmsrescue.image.flash_words import load_image
from bmsrescue.image.markers import take_marker
from bmsrescue.image.read import Firmware
from bmsrescue.image.whole_flash import cannot_start, has_more_than_a_program, is_whole_flash, refuse_words
from rescuelink.errors import JobError
from rescuelink.fields import Fields
from rescuelink.job import FORMAT, MAX_SEGMENTS, Job, default_job
from rescuelink.targets import FLASH_BASE, TARGETS

_DEFAULT_CHIP = "STM32H725"
_SMALLEST_SECTOR = 8192  # of any die: for a job that has not been read yet
_MAX_STEM = 60  # of a job's name, which the dongle shows


@dataclass(frozen=True)
class ImageOptions:
    """What a person says of an image file beside what is in it.

    base: of raw bytes. boot: address of the vector table that the chip starts. whole_flash: it may own every sector.
    only_flash: leave out what lies elsewhere. chip: a key of TARGETS. markers: TEXT or TEXT@ADDRESS, by which the
    product is known (`target.marker`).
    """

    base: int | None = None
    boot: int | None = None
    whole_flash: bool = False
    only_flash: bool = False
    version: str = ""
    chip: str = ""
    markers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """A card's files, and what a person should know of them."""

    files: dict[str, bytes]
    notes: list[str]


def build_files(source: Path, options: ImageOptions | None = None) -> Built:
    """Return the card for `source`, a job file (.json) or a firmware image.

    Raises:
        CardBuildError, ImageFileError: it cannot work; says why.
    """
    if source.suffix.lower() == ".json":
        if options not in (None, ImageOptions()):
            raise CardBuildError(
                "--base, --boot, --chip, --marker and such are for an image",
                "A job file says these itself.",
            )
        files = _from_job(source)
        return Built(files, owned_notes(read_job(files)[0]))
    options = options or ImageOptions()
    firmware = load_image(source, options.base, options.only_flash)
    if not options.whole_flash:
        _refuse_a_units_flash(source.name, firmware, options.chip or _DEFAULT_CHIP)
    version = options.version or firmware.version
    boot = options.boot if options.boot is not None else firmware.boot_address
    files = describe_job(source.stem, version, firmware.segments, options.chip or _DEFAULT_CHIP, boot=boot)
    if options.markers:
        document = parse_document(files[JOB_FILE], JOB_FILE)
        document["target"]["marker"] = [take_marker(asked, firmware.segments) for asked in options.markers]
        files[JOB_FILE] = _text(document)
    job, _document = read_job(files)
    check_image(job, files)
    notes = [*firmware.notes, *_naming_notes(source, job), *owned_notes(job)]
    if not options.whole_flash and len(owned_sectors(job)) == job.flash_kib * 1024 // job.sector_bytes:
        raise CardBuildError(
            f"{source.name} fills the whole flash: a unit would lose its own calibration and serial number to it",
            "Give the maker's application, or add --whole-flash if that is meant.",
        )
    return Built(files, notes)


def _refuse_a_units_flash(name: str, firmware: Firmware, chip: str, in_job: bool = False) -> None:
    if chip not in TARGETS or not is_whole_flash(firmware.flash_bytes, chip):
        return
    if firmware.boot_address is None:
        first = firmware.segments[0]
        head = first.data[:8] if first.address == FLASH_BASE else b"\xff" * 8
        raise CardBuildError(*cannot_start(name, head, FLASH_BASE))
    if has_more_than_a_program(firmware.segments, TARGETS[chip].word_bytes):
        raise CardBuildError(*refuse_words(name, firmware.flash_bytes, in_job))


def owned_sectors(job: Job) -> list[int]:
    """The numbers of the sectors that a job may erase."""
    size = job.sector_bytes or 1
    return [n for n in range(job.flash_kib * 1024 // size) if job.owns(FLASH_BASE + n * size, size)]


def owned_notes(job: Job) -> list[str]:
    """Which sectors a job owns, and what that means for what the unit itself has in them; as parts of sentences."""
    if job.mode == LEARN:
        return ["a good unit is read to the card; nothing is written to it"]
    size, owned = job.sector_bytes, owned_sectors(job)
    runs: list[list[int]] = []
    for number in owned:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [
        f"{f'sector {low}' if low == high else f'sectors {low} to {high}'} "
        f"(0x{FLASH_BASE + low * size:08x} to 0x{FLASH_BASE + (high + 1) * size - 1:08x})"
        for low, high in runs
    ]
    notes = [
        f"the job owns {' and '.join(named)}: where they differ from the image they are erased and written, "
        "all others stay as the unit has them"
    ]
    inside = [
        region
        for region in job.preserve
        if any(
            FLASH_BASE + n * size < region.address + region.length and region.address < FLASH_BASE + (n + 1) * size
            for n in owned
        )
    ]
    if inside:
        kept = " and ".join(f"{region.name} (0x{region.address:08x}, {region.length} bytes)" for region in inside)
        notes.append(f"in them it keeps the unit's {kept}")
    rest = len(owned) * size - sum(part.length for part in job.image.segments) - sum(r.length for r in inside)
    if rest > 0:
        text = f"{rest // 1024} KiB" if rest >= 1024 else f"{rest} bytes"
        notes.append(
            f"the image leaves {text} of them blank: settings, logs or a serial number that the unit has there are "
            "then in the backup only; what has to stay is named in policy.preserve of a job file"
        )
    return notes


def _naming_notes(source: Path, job: Job) -> list[str]:
    return [] if job.image.file == f"{source.stem}.bin" else [f"on the card the image is named {job.image.file}"]


def fat_name(stem: str) -> str:
    """`stem` as any FAT file system and any terminal takes it."""
    plain = unicodedata.normalize("NFKD", stem.replace("\u00df", "ss")).encode("ascii", "ignore").decode()
    safe = "".join(char if char.isalnum() or char in "._- " else "_" for char in plain)
    return safe[:_MAX_STEM].strip(". ") or "image"


def segments_of(job: Job, files: dict[str, bytes]) -> list[Segment]:
    """Return what the card brings into the flash."""
    data = files[job.image.file] if job.image.segments else b""
    return [Segment(part.address, data[part.offset :][: part.length]) for part in job.image.segments]


def learning_job(name: str) -> Built:
    """The card that lets a dongle read good units: each press takes the one that is connected."""
    document = {"format": FORMAT, "name": name, "policy": {"mode": LEARN}}
    files = {JOB_FILE: _text(document)}
    return Built(files, owned_notes(read_job(files)[0]))


def describe_job(
    stem: str,
    version: str,
    segments: list[Segment],
    chip: str = _DEFAULT_CHIP,
    flash_kib: int = 0,
    boot: int | None = None,
) -> dict[str, bytes]:
    """Return the files of a card with the default job: repair to this image, proof by a running core.

    `flash_kib` 0 is the largest flash that `chip` is sold with. `boot`: the address of the vector table, that of the
    flash where it is None.

    Raises:
        CardBuildError: the segments make no image that could work.
    """
    stem = fat_name(stem)
    name = f"{stem}.bin"
    if chip not in TARGETS:
        raise CardBuildError(f"{chip} is not known", f"Use one of {', '.join(sorted(TARGETS))}.")
    flash_kib = flash_kib or max(TARGETS[chip].flash_kib)
    document = default_job(name, "", [], version=version, name=stem, chip=chip, flash_kib=flash_kib)
    if boot is not None and boot != FLASH_BASE:
        document["target"] = {**_object(document["target"]), "boot_address": f"0x{boot:08x}"}
    segments = _few(segments, TARGETS[chip].sector_bytes)
    return _checked({**document, "image": _describe(name, version, segments)}, name, segments)


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _few(segments: list[Segment], sector_bytes: int) -> list[Segment]:
    """No more segments than a helper holds: the smallest gaps within a sector are filled with blank bytes."""
    joined = list(segments)
    while len(joined) > MAX_SEGMENTS:
        gaps = [
            (after.address - before.end, index)
            for index, (before, after) in enumerate(pairwise(joined))
            if (before.end - 1) // sector_bytes == after.address // sector_bytes
        ]
        if not gaps:
            raise CardBuildError(
                f"the image has {len(joined)} parts far from each other, a helper takes {MAX_SEGMENTS}",
                "Fill the gaps when the image is made.",
            )
        gap, index = min(gaps)
        before, after = joined[index : index + 2]
        joined[index : index + 2] = [Segment(before.address, before.data + b"\xff" * gap + after.data)]
    return joined


def _from_job(source: Path) -> dict[str, bytes]:
    try:
        document = parse_document(source.read_bytes(), source.name)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", "Check the name and the permissions.") from error
    image = document.get("image")
    if isinstance(image, dict) and "segments" not in image:
        return _complete(source, document, image)
    job = validated(document)
    if job.mode == LEARN:
        return {JOB_FILE: _text(document)}
    path = source.parent / job.image.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CardBuildError(
            f"cannot read the image {path}: {error.strerror}", "Put it beside the job file."
        ) from error
    files = {JOB_FILE: _text(document), job.image.file: data}
    check_image(job, files)
    return files


def _complete(source: Path, document: dict[str, Any], image: dict[str, Any]) -> dict[str, bytes]:
    known = {"file", "version", "base"}
    for key in image:
        if key not in known:
            raise CardBuildError(f"image.{key} of {source.name} is unknown", f"Use {', '.join(sorted(known))}.")
    file, base, version = image.get("file"), image.get("base"), image.get("version", "")
    if not isinstance(file, str) or not isinstance(version, str):
        raise CardBuildError(f"image.file of {source.name} names no file", "Name the firmware beside the job file.")
    try:
        address = int(base, 0) if isinstance(base, str) else base
    except ValueError as error:
        raise CardBuildError(f"image.base of {source.name} is {base!r}", 'Write it as "0x08000000".') from error
    if address is not None and not isinstance(address, int):
        raise CardBuildError(f"image.base of {source.name} is {base!r}", 'Write it as "0x08000000".')
    path = source.parent / file
    try:
        firmware = load_image(path, address)
    except ImageFileError as error:
        raise ImageFileError(
            error.message, re.sub(r"--base (0x[0-9a-f]+)", r'image.base "\1"', error.next_step)
        ) from error
    segments = _few(_without_preserved(file, firmware, document), _SMALLEST_SECTOR)
    name = f"{fat_name(path.stem)}.bin"
    return _checked({**document, "image": _describe(name, version, segments)}, name, segments)


def _without_preserved(name: str, firmware: Firmware, document: dict[str, Any]) -> list[Segment]:
    """A unit's whole flash is an image where the job says what in it is the other unit's own: that is cut out."""
    chip = str(_object(document.get("target")).get("chip"))
    if chip not in TARGETS or not is_whole_flash(firmware.flash_bytes, chip):
        return firmware.segments
    preserve = _object(document.get("policy")).get("preserve")
    if not preserve:
        _refuse_a_units_flash(name, firmware, chip, in_job=True)
        return firmware.segments
    try:
        regions = [Fields(item, "") for item in preserve] if isinstance(preserve, list) else []
        spans = [(one.number("address", 0, 0xFFFF_FFFF), one.number("length", 1, 0xFFFF_FFFF)) for one in regions]
    except JobError:
        return firmware.segments  # the validator says it with its path
    return _cut_out(firmware.segments, spans, TARGETS[chip].word_bytes)


def _cut_out(segments: list[Segment], spans: list[tuple[int, int]], word_bytes: int) -> list[Segment]:
    for address, length in spans:
        low = address // word_bytes * word_bytes
        high = -(-(address + length) // word_bytes) * word_bytes
        rest: list[Segment] = []
        for part in segments:
            if low < part.end and part.address < high:
                rest += [
                    Segment(part.address, part.data[: max(low - part.address, 0)]),
                    Segment(high, part.data[high - part.address :]),
                ]
            else:
                rest.append(part)
        segments = [part for part in rest if part.data]
    return segments


def _describe(name: str, version: str, segments: list[Segment]) -> dict[str, Any]:
    described, offset = [], 0
    for segment in segments:
        described.append(
            {
                "address": f"0x{segment.address:08x}",
                "length": len(segment.data),
                "offset": offset,
                "sha256": hashlib.sha256(segment.data).hexdigest(),
            }
        )
        offset += len(segment.data)
    whole = hashlib.sha256(b"".join(segment.data for segment in segments)).hexdigest()
    return {"file": name, "version": version, "sha256": whole, "segments": described}


def _checked(document: dict[str, Any], name: str, segments: list[Segment]) -> dict[str, bytes]:
    files = {JOB_FILE: _text(document), name: b"".join(segment.data for segment in segments)}
    check_image(validated(document), files)
    return files


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode() + b"\n"
