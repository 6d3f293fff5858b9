"""The vector table of a job's image: the same check for the card builder on the host and for the agent."""

from rescuelink.errors import JobError
from rescuelink.model import Job
from rescuelink.targets import FLASH_BASE, TARGETS, reset_vector_valid, stack_pointer_valid


def check_vectors(job: Job, head: bytes) -> None:
    """Refuses an image whose first eight bytes at the boot address are no vector table, or one that points elsewhere.

    Raises `JobError`.
    """
    if len(head) < 8:
        raise _bad("image.segments", "hold only %d bytes at the boot address" % len(head), "build the whole image")
    sp = int.from_bytes(head[0:4], "little")
    pc = int.from_bytes(head[4:8], "little")
    flash_end = FLASH_BASE + job.flash_kib * 1024
    if not stack_pointer_valid(TARGETS[job.chip], sp) or not reset_vector_valid(pc, FLASH_BASE, flash_end):
        raise _bad(
            "image",
            "has no vector table at 0x%08x (SP 0x%08x, PC 0x%08x)" % (job.boot_address, sp, pc),
            "check that it is an application for the %s linked to that address" % job.chip,
        )
    if not job.owns(pc & ~1, 2):
        raise _bad(
            "image",
            "its reset vector points to 0x%08x, where it has nothing" % (pc & ~1),
            "check that the image is whole and linked for this unit",
        )


def _bad(path: str, message: str, next_step: str) -> JobError:
    from rescuelink.fields import bad  # what reads a job: seldom needed here, and large

    return bad(path, message, next_step)
