# The smallest cure: which sectors are erased and written, from where, in which order. A pure function.
#
# A sector that already holds the image is left alone (unless the job says rewrite), and so is every sector the job does
# not own. A blank sector is not erased. The sector with the vector table is erased first and written last, its first
# flash word at the very end: a cut in between leaves a chip that is plainly blank at its start, never one that starts
# half an application.

from rescue.engine import modules
from rescue.engine.common import option_values
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
        modules.load("rescue.engine.unit.bootloader").add_step(sectors, evidence, job, steps)
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


def _name(index, count):
    return str(index) if count == 1 else "%d-%d" % (index, index + count - 1)


def has_vectors(sector, job):
    return sector["address"] <= job.boot_address < sector["address"] + sector["size"]


def _lines(steps, sectors, job):
    lines = []
    if not steps:
        return ["nothing to write"]
    for step in steps:
        if step["vectors"] and step["erase"] and len(steps) > 1:
            lines.append("erase sector %s first: it holds the vector table" % _name(step["sector"], step["count"]))
    for step in steps:
        act = "erase and write" if step["erase"] else "write"
        origin = "" if step["source"] == FROM_IMAGE else ", readable words from the backup"
        if "blank" in step:
            origin += ", the flash word at 0x%08x left blank" % step["blank"]
        lines.append("%s sector %s (%s)%s" % (act, _name(step["sector"], step["count"]), step["why"], origin))
        if step["vectors"]:
            lines.append("write the first flash word at 0x%08x last" % job.boot_address)
    touched = [step["sector"] for step in steps]
    kept = [_name(s["index"], s.get("count", 1)) for s in sectors if s["index"] not in touched]
    if kept:
        lines.append("leave sector(s) %s as they are" % ", ".join(kept))
    for region in job.preserve:
        lines.append("keep %s at 0x%08x" % (region.name, region.address))
    return lines


def _add_options(plan, evidence, job, resumed=None):
    """Adds "unprotect" and "protect" (masks of sectors) and "options" [(register, value, mask)], as far as allowed."""
    plan["unprotect"] = plan["protect"] = 0
    plan["options"] = []
    options = evidence.get("options")
    if not options:
        return
    group = options.get("wrp_group", 1)
    if "wrp" in job.consent:
        for step in plan["steps"]:
            for index in range(step["sector"], step["sector"] + step["count"]):
                if index in options["wrp_sectors"]:
                    plan["unprotect"] |= 1 << index // group
        # An earlier run that was cut had lifted it: it is this run's to put back.
        lifted = 0 if resumed is None else resumed["wpsn"] or 0
        plan["protect"] = plan["unprotect"] | lifted
    if "option-bytes" in job.consent:
        plan["options"] = option_values.differing(options, evidence["expected"]["options"])
    plan["options_before"] = {name: options[name] for name in ("optsr", "optsr2", "wpsn", "boot")}
    lines = plan["lines"]
    if plan["unprotect"]:
        lines.insert(0, "lift the write protection of sector(s) " + _names(plan["unprotect"], group))
    if plan["protect"]:
        lines.append("write-protect sector(s) %s again" % _names(plan["protect"], group))
    for name, value, mask in plan["options"]:
        lines.append("set option bytes %s to 0x%08x (bits 0x%08x)" % (name, value & mask, mask))


def _names(mask, group):
    return ", ".join(_name(bit * group, group) for bit in range(64) if mask >> bit & 1)


def plan_cure(run):
    """Step "plan": the smallest cure, shown before it is carried out."""
    if run.needs and not _consented(run):
        run.skip_to("safe-off")
        return
    dirty = ()
    before = None  # option bytes as a cut run found them, where it was putting everything back
    if run.resumed is not None:
        dirty = run.resumed["doubt"]
        if run.resumed["restore"] or run.diagnosis["cause"] == "options-cut":
            dirty = [sector["index"] for sector in run.evidence.get("sectors") or ()]
            before = run.resumed["before"]
    if run.diagnosis["cause"] in ("rdp1", "options-cut"):
        run.plan = modules.load("rescue.engine.plan.regression").plan(run)
    else:
        run.plan = make_plan(run.evidence["sectors"], run.job, dirty, run.evidence)
    _add_options(run.plan, run.evidence, run.job, run.resumed)
    if before is not None:
        modules.load("rescue.engine.plan.regression").put_back(run.plan, run.evidence["options"], run.job, before)
    steps = [step["sector"] for step in run.plan["steps"]]
    run.plan["put_back"] = []
    run.plan["kept"] = [
        (sector["index"], sector["address"], sector["size"], sector.get("count", 1), sector["sha256"])
        for sector in run.evidence.get("sectors") or ()
        if not sector["owned"] and sector["index"] not in steps
        if sector["sha256"] is not None or sector["state"] == "blank"
    ]
    run.observer.event("plan", {"lines": run.plan["lines"], "estimate_ms": run.plan["estimate_ms"]})
    if not run.plan["steps"] and not run.plan["options"] and not run.plan["protect"]:
        run.skip_to("safe-off")
    elif run.plan["regress"] and not run.plan["restore"]:
        run.skip_to("act")  # what is protected cannot be read


def _consented(run):
    if run.screen is not None:
        return run.screen.ask(run)
    run.by = "operator:typed on the host"
    run.granted = {"words": run.needs, "scope": ", ".join(run.needs), "unit": run.evidence["chip"]["uid"]}
    run.granted["by"], run.granted["given"] = run.by, True
    run.job.consent += run.needs
    return True
