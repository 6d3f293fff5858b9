# Step "job": the card, the job on it, and its image, all checked before the unit sees any power.

import json

from rescue.engine import files, image_check, modules
from rescue.engine.image import CardImage
from rescuelink.errors import JobError
from rescuelink.job import check_vectors, validate

_MAX_JOB_BYTES = 16384


def load_job(run):
    ports = run.ports
    ports.card.mount()
    run.card_mounted = True
    run.sequence()  # while there is room for what reads the last record
    run.job = validate(_read_json(ports.card.root + "/job.json"))
    run.image = CardImage(run.job, ports.card.root)
    image_check.check(run.image, run.progress_in_bytes("check image"))
    if run.job.markers:
        modules.load("rescue.engine.marker").check(run.image)
    check_vectors(run.job, run.image.head())
    run.use_limits(run.job.limits)


def _read_json(path):
    size = files.size_of(path)
    if size > _MAX_JOB_BYTES:
        raise JobError("job", "job.json has %d bytes" % size, next_step="build the card anew")
    try:
        with open(path) as file:
            text = file.read()
    except OSError as error:
        raise files.card_error("cannot read job.json", error) from None
    except UnicodeError:
        raise JobError("job", "job.json is not UTF-8 text", next_step="build the card anew") from None
    try:
        return json.loads(text)
    except ValueError:
        raise JobError("job", "job.json is not JSON", next_step="correct it, or build the card anew") from None
