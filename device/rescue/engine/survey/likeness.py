# How much of an application that is not the job's image is equal to it all the same: flash that holds a few wrong bytes
# is told from another product's firmware, which differs in many places.

_PARTS = 64


def look(run):
    """Adds "other_parts" to the boot sector where it differs: [how many of the 64 parts of the image there are not
    equal, how many from the first of these to the last]. Digests by the core; the image's part of one sector is read.
    """
    image, digest = run.image, run.chip.digest
    sector = _boot_sector(run)
    if sector is None or sector["state"] != "differs" or sector.get("prefix"):
        return
    low, length = image.parts(sector["address"], sector["size"])[0]
    word_bytes = run.job.word_bytes
    step = -(-length // (_PARTS * word_bytes)) * word_bytes
    others = []
    for at in range(0, length, step):
        size = min(step, length - at)
        found = digest.sha256(low + at, size)
        if found is None:
            return  # the core cannot say
        if found != image.sha256(low + at, size):
            others.append(at // step)
    if others:
        sector["other_parts"] = [len(others), others[-1] - others[0] + 1]


def _boot_sector(run):
    for sector in run.evidence["sectors"]:
        if sector["owned"] and sector["address"] <= run.job.boot_address < sector["address"] + sector["size"]:
            return sector
    return None
