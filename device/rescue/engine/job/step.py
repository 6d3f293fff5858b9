# Step "job": the card, the job on it, and its image, all checked before the unit sees any power.

from rescue.engine import modules
from rescue.engine.common import files
from rescuelink.errors import CardError

# What finds the card's volume and the last record on it.
_READ_WITH = "rescue.engine.record rescuelink.volume"
# What has read the job.
_JOB_READ_WITH = "rescue.engine.job.job_file rescuelink.: job fields limits marker no_image"


def load_job(run):
    """The job on the card. Without one, or without a card, the unit is looked at and nothing is changed."""
    ports = run.ports
    missing = _missing(run)
    run.sequence()  # while there is room for what reads the last record
    modules.drop(_READ_WITH)  # before what reads the job is loaded: together they were the run's largest need
    if missing:
        _go_without(run, missing)
        return
    from rescue.engine.common.image import CardImage
    from rescue.engine.job import released
    from rescue.engine.job.job_file import read_job, settle

    if run.ahead is not None and ports.card.look() != run.ahead.card:
        run.ahead = None  # another card than the one that was looked at
    folder = ports.card.root + run.folder
    manifest = released.read(run, folder)
    run.job = read_job(folder + "/job.json", manifest)
    if not run.job.image.segments:  # a good unit is to be learned, which says itself what it is
        run.job.dev_id = run.job.boot_address = None
        released.note(run, manifest)
        run.use_limits(run.job.limits)
        return
    settle(run.job)
    read_job = settle = None  # a frame holds what it knows
    modules.drop(_JOB_READ_WITH)
    from rescue.engine.job.card_job import check_image

    run.image = CardImage(run.job, folder)
    if manifest is not None:
        manifest.check_file(run.job.image.file, run.job.image.sha256)
    progress = run.progress_in_bytes("check image" if manifest is not None else "unsigned image")
    check_image(run.image, progress, run.ahead)
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
    # What else is to be known the chip says (examine/evidence.py).
    from rescuelink.limits import default_limits
    from rescuelink.no_image import job_without_image

    job = run.job = job_without_image("", default_limits())
    job.chip = job.dev_id = job.flash_kib = job.sector_bytes = job.word_bytes = job.boot_address = None
    run.use_limits(run.job.limits)
    run.observer.event("no-job", {"why": missing})
    run.say(missing)
