# Step "job": the card, the job on it, and its image, all checked before the unit sees any power.

import binascii
import gc
import hashlib

from rescue.engine.common import files
from rescue.engine.common.image import CardImage
from rescue.engine.job import image_check, released
from rescuelink.errors import CardError
from rescuelink.job import Region, Segment, check_vectors, validate
from rescuelink.job_text import check_size, parse_job


def load_job(run):
    """The job on the card. Without one, or without a card, the unit is looked at and nothing is changed."""
    ports = run.ports
    missing = _missing(run)
    run.sequence()  # while there is room for what reads the last record
    if missing:
        _go_without(run, missing)
        return
    folder = ports.card.root + run.folder
    manifest = released.read(run, folder)
    run.job = _read_job(folder + "/job.json", manifest)
    if not run.job.image.segments:  # a good unit is to be learned, which says itself what it is
        run.job.dev_id = run.job.boot_address = None
        released.note(run, manifest)
        run.use_limits(run.job.limits)
        return
    _settle(run.job)
    run.image = CardImage(run.job, folder)
    if manifest is not None:
        manifest.check_file(run.job.image.file, run.job.image.sha256)
    check_image(run.image, run.progress_in_bytes("check image" if manifest is not None else "unsigned image"))
    released.note(run, manifest)
    run.use_limits(run.job.limits)


def _missing(run):
    # Why there is no job, "" where there is one. A card that is there and cannot be read is an error.
    card = run.ports.card
    try:
        card.mount()
    except CardError as error:
        if error.kind != "no_card" or run.folder:
            raise
        return "no card"
    run.card_mounted = True
    try:
        files.size_of(card.root + run.folder + "/job.json")
    except CardError as error:
        if error.kind != "missing" or run.folder:
            raise
        return "no job.json on the card"
    return ""


def _go_without(run, missing):
    # A job without an image: it owns no sector, and the chip says what else is to be known (examine/evidence.py).
    from rescuelink.limits import default_limits
    from rescuelink.model import Image, Job, Proof

    nothing = Image("", "", "", [])
    proof = Proof("", 0, 0, 0)
    run.job = Job("", None, None, None, None, None, None, nothing, "", [], [], default_limits(), proof)
    run.use_limits(run.job.limits)
    run.observer.event("no-job", {"why": missing})
    run.say(missing)


def _settle(job):
    # What is kept of a large job lies far apart, between what was made to read it: nothing long would fit in later.
    gc.collect()
    job.image.segments = [Segment(s.address, s.length, s.offset, _anew(s.sha256)) for s in job.image.segments]
    job.preserve = [Region(_anew(region.name), region.address, region.length) for region in job.preserve]
    job.consent = [_anew(word) for word in job.consent]
    job.ask = [_anew(word) for word in job.ask]
    job.markers = [(at, length, _anew(text), _anew(digest)) for at, length, text, digest in job.markers]
    gc.collect()


def _anew(text):
    return (text + " ")[:-1]  # encode() and decode() would go on with the same bytes


def check_image(image, progress):
    """Is the card's image the one that the job means, and can it start? The host's check asks the same here."""
    image_check.check(image, progress)
    if image.job.markers:
        from rescue.engine.unit import marker

        marker.check(image)
    check_vectors(image.job, image.head())


def _read_job(path, manifest):
    # In a frame of its own, which ends with the document: a collection takes what a frame once held for living.
    check_size(files.size_of(path))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise files.card_error("cannot read job.json", error) from None
    if manifest is not None:
        manifest.check_file("job.json", binascii.hexlify(hashlib.sha256(data).digest()).decode())
    document = parse_job(data)
    data = None
    return validate(document)
