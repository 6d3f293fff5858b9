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
    check_image(run.image, run.progress_in_bytes("check image"))
    run.use_limits(run.job.limits)


def check_image(image, progress):
    """Is the card's image the one that the job means, and can it start? The host's check asks the same here."""
    image_check.check(image, progress)
    if image.job.markers:
        modules.load("rescue.engine.marker").check(image)
    check_vectors(image.job, image.head())


def _read_json(path):
    check_size(files.size_of(path))
    try:
        with open(path, "rb") as file:
            return parse_job(file.read())
    except OSError as error:
        raise files.card_error("cannot read job.json", error) from None
