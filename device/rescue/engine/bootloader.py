# A vendor's bootloader in front of the application, and the word in flash that tells it to wait for an update.
#
# The job names both: where the bootloader lies, and the address and set value of its flag, which is clear when it is
# erased. The flag lies in a sector of the unit's own; clearing it is a rewrite of that sector from the backup.

_UPDATE_FLAG = "update-flag"  # of policy.consent


def look(run):
    """evidence["bootloader"] = {"address", "end", "flag_address", "flag": the word or None where it is torn, "set"}."""
    address, length, flag_address, wanted = run.job.bootloader
    word = bytearray(4)
    torn = run.chip.flash.read(flag_address, word)
    run.evidence["bootloader"] = {
        "address": address,
        "end": address + length,
        "flag_address": flag_address,
        "flag": None if torn else int.from_bytes(word, "little"),
        "set": wanted,
    }


def add_step(sectors, evidence, job, steps):
    """Where the flag is set and the job consents: the step that rewrites its sector without it."""
    found = evidence.get("bootloader")
    if found is None or _UPDATE_FLAG not in job.consent:
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
