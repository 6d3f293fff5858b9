# A vendor's bootloader in front of the application, and the word in flash that tells it to wait for an update.
#
# The job may name both: where the bootloader lies, and the address and set value of its flag, which is clear when it is
# erased. The flag lies in a sector of the unit's own; clearing it is a rewrite of that sector from the backup.
# A job that names none is often for an application behind one all the same: then the option bytes start the chip where
# the job owns nothing, and something that can start lies there.

from rescue.engine.common import guarded
from rescuelink.errors import RescueError

_UPDATE_FLAG = "update-flag"  # of policy.consent


def look(run):
    """evidence["bootloader"] = {"address", "end", "valid", "flag_address", "flag", "set"}; None for what is not there.

    "valid": whether something that can start lies there. "flag" is None as well where it is torn.
    """
    address, end, flag_address, wanted = _named(run.job) if run.job.bootloader is not None else _in_front(run)
    if address is None:
        return
    word = bytearray(4)
    readable = flag_address and guarded.reads(run.chip.flash, flag_address, word)
    run.evidence["bootloader"] = {
        "address": address,
        "end": end,
        "valid": _can_start(run.chip.flash, address),
        "flag_address": flag_address,
        "flag": int.from_bytes(word, "little") if readable else None,
        "set": wanted,
    }


def _named(job):
    address, length, flag_address, wanted = job.bootloader
    return address, address + length, flag_address or None, wanted if flag_address else None


def _in_front(run):
    # What the option bytes start, where it is in flash and not the job's; up to what is the job's.
    job, flash, start = run.job, run.chip.flash, run.evidence["options"]["boot_add0"]
    if start == job.boot_address or not flash.base <= start < flash.base + flash.size or job.owns(start, 8):
        return None, None, None, None
    end = flash.base + flash.size
    for segment in job.image.segments:
        if start < segment.address < end:
            end = segment.address
    return start, end, None, None


def _can_start(flash, address):
    try:
        return flash.vectors(address)["valid"]
    except RescueError:
        return None  # execute-only: nobody can tell


def add_step(sectors, evidence, job, steps):
    """Where the flag is set and the job consents: the step that rewrites its sector without it."""
    found = evidence.get("bootloader")
    if found is None or found["flag_address"] is None or _UPDATE_FLAG not in job.consent:
        return
    at = found["flag_address"] // job.word_bytes * job.word_bytes
    for sector in sectors:
        if not sector["address"] <= at < sector["address"] + sector["size"]:
            continue
        for step in steps:
            if step["sector"] == sector["index"]:
                step["blank"] = at
                return
        if found["flag"] == found["set"]:
            step = {"sector": sector["index"], "address": sector["address"], "size": sector["size"], "erase": True}
            step.update({"source": "backup", "vectors": False, "why": "update flag set, consent given", "blank": at})
            step["count"] = sector.get("count", 1)
            steps.append(step)
