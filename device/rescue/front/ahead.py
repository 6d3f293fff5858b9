# While the dongle waits: the card's job, its signature and its image are checked ahead of the press, once a card. What
# was found good is not checked again by the run as long as the same card stays in: 1 MiB and a signature take a board
# four seconds. Whatever was not good is left to the run to say.
#
# A card that gives other bytes later is no way round: job and manifest are read anew by the run and held to their
# digests, and each piece of the image is held to its own as it is written.

from rescue.engine import modules
from rescue.engine.common.image import CardImage
from rescuelink.errors import RescueError

_CHECKED_WITH = "rescue.engine.job rescuelink.job rescuelink.manifest rescuelink.p256 rescuelink.limits"


class Ahead:
    """card: what Card.look() said of it. manifest, job: SHA-256 of what is signed and of job.json, None where there is
    none. digests: of CardImage."""

    folder = ""
    ahead = None

    def __init__(self, ports, card):
        self.ports = ports
        self.card = card
        self.manifest = None
        self.job = None
        self.digests = {}

    def say(self, text):
        pass  # in the place of a run, for the job's steps: nobody reads it


class _Wanted(Exception):
    # Somebody presses, or a host comes.
    pass


def look(ports, is_wanted):
    """An Ahead of the card in the slot; None where there is none, it is not good, or `is_wanted()` came between."""
    card = ports.card.look()
    if card is None:
        return None

    def tick(*_progress):
        ports.clock.feed()
        if is_wanted():
            raise _Wanted()

    found = Ahead(ports, card)
    try:
        ports.card.mount()
        _check(found, ports.card.root, tick)
    except (RescueError, OSError, MemoryError, _Wanted):
        found = None
    finally:
        ports.card.unmount()
        modules.drop(_CHECKED_WITH)
    return found


def _check(found, folder, tick):
    from rescue.engine.job import image_check, released
    from rescue.engine.job.job_file import read_job, settle

    manifest = released.read(found, folder, tick)
    job = read_job(folder + "/job.json", manifest)
    if manifest is not None:
        found.manifest = manifest.digest
    if not job.image.segments:
        return
    settle(job)
    image = CardImage(job, folder)
    try:
        if manifest is not None:
            manifest.check_file(job.image.file, job.image.sha256)
        image_check.check(image, tick)
    finally:
        image.close()
    found.job, found.digests = job.digest, image.digests
