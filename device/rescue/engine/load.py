# Step "job": the card, the job on it, and its image, all checked before the unit sees any power.

from rescue.engine import files, image_check, modules
from rescue.engine.image import CardImage
from rescuelink.job import check_vectors, validate
from rescuelink.job_text import check_size, parse_job


def load_job(run):
    ports = run.ports
    ports.card.mount()
    run.card_mounted = True
    run.sequence()  # while there is room for what reads the last record
    folder = ports.card.root + run.folder
    run.job = validate(_read_json(folder + "/job.json"))
    run.image = CardImage(run.job, folder)
    image_check.check(run.image, run.progress_in_bytes("check image"))
    if run.job.markers:
        modules.load("rescue.engine.marker").check(run.image)
    check_vectors(run.job, run.image.head())
    run.use_limits(run.job.limits)


def _read_json(path):
    check_size(files.size_of(path))
    try:
        with open(path, "rb") as file:
            return parse_job(file.read())
    except OSError as error:
        raise files.card_error("cannot read job.json", error) from None
