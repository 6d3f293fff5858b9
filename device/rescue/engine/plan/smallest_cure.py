# The smallest cure: which sectors are erased and written, from where, in which order. A pure function.
#
# A sector that already holds the image is left alone (unless the job says rewrite), and so is every sector the job does
# not own. A blank sector is not erased. The sector with the vector table is erased first and written last, its first
# flash word at the very end: a cut in between leaves a chip that is plainly blank at its start, never one that starts
# half an application.

from rescue.engine.common.source import FROM_BACKUP, FROM_IMAGE

_ERASE_MS = 1100  # typical, with x64 (docs/reference/chip.md#flash-times)
_BYTES_PER_MS = 150


def make_plan(sectors, job, dirty=(), evidence=None):
    """{"steps": [{"sector", "address", "size", "count", "erase", "source", "vectors", "why"}], "lines", "bytes",
    "estimate_ms"}; "count" is of sectors, the first of which "sector" names.

    `dirty`: sectors an earlier run may have been cut in; that they read blank proves nothing, they are erased again.
    """
    steps = []
    for sector in sectors:
        last = sector["index"] + sector.get("count", 1)
        step = _step_for(sector, job, any(sector["index"] <= index < last for index in dirty))
        if step is not None:
            steps.append(step)
    if job.bootloader is not None and evidence is not None:
        from rescue.engine.unit.bootloader import add_step

        add_step(sectors, evidence, job, steps)
    steps.sort(key=order)
    size = sum(step["size"] for step in steps)
    erases = sum(1 for step in steps if step["erase"])
    return {
        "steps": steps,
        "lines": _lines(steps, sectors, job),
        "regress": False,
        "restore": False,
        "bytes": size,
        "estimate_ms": erases * _ERASE_MS + size // _BYTES_PER_MS,
    }


def _step_for(sector, job, dirty):
    owned, state = sector["owned"], sector["state"]
    if owned:
        # That a sector cut in the middle of its erase reads blank proves nothing, even where blank is what is wanted.
        doubtful = dirty and sector.get("erased", False)
        if state == "match" and job.mode != "rewrite" and not doubtful:
            return None
        why = "cut while it was rewritten" if doubtful else "rewrite" if state == "match" else state
        return make_step(sector, dirty or state != "blank", FROM_IMAGE, has_vectors(sector, job), why)
    if dirty:
        return make_step(sector, True, FROM_BACKUP, False, "cut while it was rewritten")
    if state != "torn":
        return None
    if "sector:%d" % sector["index"] not in job.consent:
        return None
    return make_step(sector, True, FROM_BACKUP, False, "torn, consent given")


def order(step):
    """The sort key of steps: the sector with the vector table is written last."""
    return step["vectors"], step["sector"]


def make_step(sector, erase, source, vectors, why):
    return {
        "sector": sector["index"],
        "address": sector["address"],
        "size": sector["size"],
        "count": sector.get("count", 1),
        "erase": erase,
        "source": source,
        "vectors": vectors,
        "why": why,
    }


def name_of(index, count):
    return str(index) if count == 1 else "%d-%d" % (index, index + count - 1)


def has_vectors(sector, job):
    return sector["address"] <= job.boot_address < sector["address"] + sector["size"]


def _lines(steps, sectors, job):
    lines = []
    if not steps:
        return ["nothing to write"]
    for step in steps:
        if step["vectors"] and step["erase"] and len(steps) > 1:
            lines.append("erase sector %s first: it holds the vector table" % name_of(step["sector"], step["count"]))
    for step in steps:
        act = "erase and write" if step["erase"] else "write"
        origin = "" if step["source"] == FROM_IMAGE else ", readable words from the backup"
        if "blank" in step:
            origin += ", the flash word at 0x%08x left blank" % step["blank"]
        lines.append("%s sector %s (%s)%s" % (act, name_of(step["sector"], step["count"]), step["why"], origin))
        if step["vectors"]:
            lines.append("write the first flash word at 0x%08x last" % job.boot_address)
    touched = [step["sector"] for step in steps]
    kept = [name_of(s["index"], s.get("count", 1)) for s in sectors if s["index"] not in touched]
    if kept:
        lines.append("leave sector(s) %s as they are" % ", ".join(kept))
    for region in job.preserve:
        lines.append("keep %s at 0x%08x" % (region.name, region.address))
    return lines
