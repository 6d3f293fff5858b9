"""Makes a card's files from a firmware image, or from a job file and the image it names.

A job file is a `job.json` as the agent reads it. Its `image` may also hold only `file` (an ELF, Intel HEX or BIN beside
the job), with `version` and, for a BIN, `base`: the builder then works out segments and hashes.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bmsrescue.card.image_file import ImageFileError, Segment, load_segments
from bmsrescue.card.markers import take_marker
from bmsrescue.errors import HostError
from rescuelink.errors import JobError, sentence_case
from rescuelink.job import Job, check_vectors, default_job, validate
from rescuelink.job_text import parse_job
from rescuelink.marker import fits, not_in_image
from rescuelink.targets import TARGETS

JOB_FILE = "job.json"
_DEFAULT_CHIP = "STM32H725"


class CardBuildError(HostError):
    """What was given makes no card that could work."""


def build_files(
    source: Path,
    base: int | None = None,
    version: str = "",
    chip: str | None = None,
    markers: Sequence[str] = (),
) -> dict[str, bytes]:
    """Return the files of a card for `source`, a job file (.json) or a firmware image.

    `markers` are TEXT or TEXT@ADDRESS, by which the product is known (`target.marker`).

    Raises:
        CardBuildError, ImageFileError: it cannot work; says why.
    """
    if source.suffix.lower() == ".json":
        if chip is not None:
            raise CardBuildError("--chip is for a firmware image", "A job file says itself which chip it is for.")
        if markers:
            raise CardBuildError("--marker is for a firmware image", "A job file says it itself, in target.marker.")
        return _from_job(source)
    segments = load_segments(source, base)
    files = describe_job(source.stem, version, segments, chip or _DEFAULT_CHIP)
    if not markers:
        return files
    document = _parse(files[JOB_FILE], JOB_FILE)
    document["target"]["marker"] = [take_marker(asked, segments) for asked in markers]
    return _checked(document, str(document["image"]["file"]), segments)


def segments_of(job: Job, files: dict[str, bytes]) -> list[Segment]:
    """Return what the card brings into the flash."""
    data = files[job.image.file]
    return [Segment(part.address, data[part.offset :][: part.length]) for part in job.image.segments]


def describe_job(
    stem: str, version: str, segments: list[Segment], chip: str = _DEFAULT_CHIP, flash_kib: int = 0
) -> dict[str, bytes]:
    """Return the files of a card with the default job: repair to this image, proof by a running core.

    `flash_kib` 0 is the largest flash that `chip` is sold with.

    Raises:
        CardBuildError: the segments make no image that could work.
    """
    name = f"{stem}.bin"
    if chip not in TARGETS:
        raise CardBuildError(f"{chip} is not known", f"Use one of {', '.join(sorted(TARGETS))}.")
    flash_kib = flash_kib or max(TARGETS[chip].flash_kib)
    document = default_job(name, "", [], version=version, name=stem, chip=chip, flash_kib=flash_kib)
    return _checked({**document, "image": _describe(name, version, segments)}, name, segments)


def read_job(files: dict[str, bytes]) -> tuple[Job, dict[str, Any]]:
    """Return the job of a card, validated as the agent does it, and its document.

    Raises:
        CardBuildError: it is missing or wrong.
    """
    if JOB_FILE not in files:
        raise CardBuildError("there is no job.json on the card", "Make the card with: bmsrescue card build")
    document = _parse(files[JOB_FILE], JOB_FILE)
    return _validated(document), document


def check_image(job: Job, files: dict[str, bytes]) -> None:
    """Check the image a job names against the job: there, whole, unchanged, with a vector table that can start.

    Raises:
        CardBuildError: says what is wrong.
    """
    name = job.image.file
    if name not in files:
        raise CardBuildError(f"the image {name} is not on the card", "Make the card anew with: bmsrescue card build")
    data = files[name]
    if len(data) < job.image.length():
        raise CardBuildError(
            f"{name} has {len(data)} bytes, the job needs {job.image.length()}", "Copy the whole image, or build anew."
        )
    pieces = [("the image", data, job.image.sha256)]
    for segment in job.image.segments:
        piece = data[segment.offset : segment.offset + segment.length]
        pieces.append((f"the segment at 0x{segment.address:08x}", piece, segment.sha256))
    for what, piece, expected in pieces:
        if hashlib.sha256(piece).hexdigest() != expected:
            raise CardBuildError(
                f"{what} of {name} has another SHA-256 than the job says", "Use the image that belongs to the job."
            )
    _check_markers(job, data)
    boot = job.boot_segment()
    start = boot.offset + job.boot_address - boot.address
    try:
        check_vectors(job, data[start : start + 8])
    except JobError as error:
        raise _explained(error) from error
    reset_address = int.from_bytes(data[start + 4 : start + 8], "little") & ~1
    if not job.owns(reset_address, 2):
        raise CardBuildError(
            f"the reset vector of {name} points to 0x{reset_address:08x}, where the image has nothing",
            "Check that the image is whole and linked for this unit.",
        )


def _check_markers(job: Job, data: bytes) -> None:
    """The image holds one of the job's markers, where it reaches to their addresses at all, as the agent asks it."""
    asked = False
    for marker in job.markers:
        for segment in job.image.segments:
            at = marker[0] - segment.address
            if at >= 0 and at + marker[1] <= segment.length:
                asked = True
                if fits(marker, data[segment.offset + at :][: marker[1]]):
                    return
    if asked:
        raise _explained(not_in_image(job.image.file))


def _from_job(source: Path) -> dict[str, bytes]:
    try:
        document = _parse(source.read_bytes(), source.name)
    except OSError as error:
        raise CardBuildError(
            f"cannot read {source}: {error.strerror}", "Check the name and the permissions."
        ) from error
    image = document.get("image")
    if isinstance(image, dict) and "segments" not in image:
        return _complete(source, document, image)
    job = _validated(document)
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
    segments = load_segments(path, address)
    name = f"{path.stem}.bin"
    return _checked({**document, "image": _describe(name, version, segments)}, name, segments)


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
    check_image(_validated(document), files)
    return files


def _validated(document: dict[str, Any]) -> Job:
    try:
        return validate(document)
    except JobError as error:
        raise _explained(error) from error


def _explained(error: JobError) -> CardBuildError:
    return CardBuildError(f"job: {error.message}", sentence_case(error.next_step or ""))


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_job(content)
    except JobError as error:
        raise CardBuildError(error.message.replace(JOB_FILE, name, 1), sentence_case(error.next_step or "")) from error


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode() + b"\n"


__all__ = [
    "JOB_FILE",
    "CardBuildError",
    "ImageFileError",
    "build_files",
    "check_image",
    "describe_job",
    "read_job",
    "segments_of",
]
