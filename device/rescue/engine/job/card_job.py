# The image of a card's job, held against the job. What reads the job itself is in job_file.py.

from rescue.engine.job import image_check
from rescuelink.vectors import check_vectors


def check_image(image, progress, ahead=None):
    """Is the card's image the one that the job means, and can it start? The host's check asks the same here.

    `ahead`: what was checked of this card while the dongle waited; None: nothing was."""
    if ahead is not None and ahead.job == image.job.digest:
        image.digests = ahead.digests
        size = image.size()
        progress(size, size)  # whoever watches is told what it was
    else:
        image_check.check(image, progress)
    if image.job.markers:
        from rescue.engine.unit import marker

        marker.check(image)
    check_vectors(image.job, image.head())
