"""Is a card's content what a dongle takes? Checked by the dongle's own code, in its order and its words."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from bmsrescue.agent.files import make_importable
from bmsrescue.errors import HostError
from rescuelink.errors import JobError, RescueError, sentence_case
from rescuelink.job import Job, validate
from rescuelink.job_text import parse_job
from rescuelink.manifest import NAME as MANIFEST
from rescuelink.manifest import Manifest, read_manifest, unsigned

JOB_FILE = "job.json"
LEARN = "learn"  # the mode of a job that reads a good unit


class CardBuildError(HostError):
    """What was given makes no card that could work."""


def check_card(files: Mapping[str, bytes], trusted: Sequence[bytes] | None = None) -> Job:
    """Check a card's files as the dongle does before it gives a unit power, in the same order and the same words.

    trusted: public keys of a helper that runs signed jobs only; None: one for development.

    Raises:
        CardBuildError: says what is wrong.
    """
    if trusted is not None:
        check_signature(files, trusted)
    job, _document = read_job(files)
    if job.mode != LEARN:
        check_image(job, files)
    return job


def check_signature(files: Mapping[str, bytes], trusted: Sequence[bytes]) -> Manifest:
    """The manifest of a card's files, if it is signed by one of the public keys and all files are those that it names.

    Raises:
        CardBuildError: says what is wrong.
    """
    return check_manifest(files, trusted)


def check_manifest(files: Mapping[str, bytes], trusted: Sequence[bytes] | None = None) -> Manifest:
    """The same; without `trusted` whoever has signed it.

    Raises:
        CardBuildError: says what is wrong.
    """
    try:
        data = _named(files, MANIFEST)
        if data is None:
            raise unsigned()
        manifest = read_manifest(data)
        if trusted is not None:
            manifest.verify(list(trusted))
        content = _named(files, JOB_FILE)
        if content is not None:
            manifest.check_file(JOB_FILE, hashlib.sha256(content).hexdigest())
            job, _document = read_job(files)
            if job.mode != LEARN:
                manifest.check_file(job.image.file, job.image.sha256)
    except RescueError as error:
        raise _explained(error) from error
    return manifest


def read_job(files: Mapping[str, bytes]) -> tuple[Job, dict[str, Any]]:
    """Return the job of a card, validated as the agent does it, and its document.

    Raises:
        CardBuildError: it is missing or wrong.
    """
    content = _named(files, JOB_FILE)
    if content is None:
        raise _explained(_missing(JOB_FILE))
    document = parse_document(content, JOB_FILE)
    return validated(document), document


def check_image(job: Job, files: Mapping[str, bytes]) -> None:
    """Check the image a job names against the job: there, whole, unchanged, with a vector table that can start.

    Raises:
        CardBuildError: says what is wrong.
    """
    data = _named(files, job.image.file)
    try:
        if data is None:
            raise _missing(job.image.file)
        _check_as_the_dongle(job, data)
    except RescueError as error:
        raise _explained(error) from error


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """The document in a job file; `name`: what it is called here. Raises CardBuildError."""
    try:
        return parse_job(content)
    except JobError as error:
        raise _explained(error, name) from error


def validated(document: dict[str, Any]) -> Job:
    """The job of a document. Raises CardBuildError."""
    try:
        return validate(document)
    except JobError as error:
        raise _explained(error) from error


def _explained(error: RescueError, source: str = JOB_FILE) -> CardBuildError:
    """As the dongle says it in its step "job"; `source`: what job.json is called here."""
    step = sentence_case(error.next_step or "")
    return CardBuildError("job: " + error.message.replace(JOB_FILE, source, 1), step and step + ".")


def _named(files: Mapping[str, bytes], name: str) -> bytes | None:
    """A file of the card's root by its name, which FAT takes in capitals or not."""
    return next((files[there] for there in files if there.lower() == name.lower()), None)


def _missing(name: str) -> RescueError:
    make_importable()
    from rescue.engine.common import files as card_files

    missing = cast(Callable[[str], RescueError], card_files.missing)
    return missing(name)


def _check_as_the_dongle(job: Job, data: bytes) -> None:
    make_importable()
    from rescue.engine.common.image import CardImage
    from rescue.engine.job import card_job

    class ImageInMemory(CardImage):
        """The agent's card image, of bytes instead of a file."""

        def size(self) -> int:
            return len(data)

        def read(self, offset: int, view: memoryview) -> None:
            view[:] = data[offset : offset + len(view)]

    check, in_memory = cast(Callable[..., None], card_job.check_image), cast(Callable[..., CardImage], ImageInMemory)
    check(in_memory(job, ""), lambda _done, _total: None)
