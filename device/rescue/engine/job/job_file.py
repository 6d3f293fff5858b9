# The job on a card, read and checked: in the heap until that is done, before the image is looked at.

import binascii
import gc
import hashlib

from rescue.engine.common import files
from rescuelink.job import Region, Segment, validate
from rescuelink.job_text import check_size, parse_job


def read_job(path, manifest):
    """The job of that file. Raises CardError, JobError; where there is a manifest, what it says of another file."""
    # In a frame of its own, which ends with the document: a collection takes what a frame once held for living.
    check_size(files.size_of(path))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise files.card_error("cannot read job.json", error) from None
    digest = hashlib.sha256(data).digest()
    if manifest is not None:
        manifest.check_file("job.json", binascii.hexlify(digest).decode())
    document = parse_job(data)
    data = None
    job = validate(document)
    job.digest = digest
    return job


def settle(job):
    """Makes anew what of a job's texts lives through the run."""
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
