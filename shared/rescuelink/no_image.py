"""A job without an image: a card that learns, or a unit that is only looked at."""

from rescuelink.model import Image, Job, Limits, Proof


def job_without_image(name: str, limits: Limits, mode: str = "", board_latch: str = "") -> Job:
    """It owns no sector; chip and flash are the unit's own to say."""
    return Job(
        name=name,
        chip="",
        dev_id=0,
        flash_kib=0,
        sector_bytes=0,
        word_bytes=0,
        boot_address=0,
        image=Image("", "", "", []),
        mode=mode,
        preserve=[],
        consent=[],
        limits=limits,
        proof=Proof("", 0, 0, 0),
        latch=None,
        options=[],
        bootloader=None,
        ask=[],
        markers=[],
        board_latch=board_latch,
    )
