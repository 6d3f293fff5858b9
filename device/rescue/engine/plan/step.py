# Step "plan": the smallest cure, shown before it is carried out, and the changes of the option bytes around it.

from rescue.engine.common import option_values
from rescue.engine.plan.smallest_cure import make_plan, name_of


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
    return ", ".join(name_of(bit * group, group) for bit in range(64) if mask >> bit & 1)


def plan_cure(run):
    """Leaves the plan in run.plan; skips to the end where there is nothing to do, or no consent."""
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
        from rescue.engine.plan import regression

        run.plan = regression.plan(run)
    else:
        run.plan = make_plan(run.evidence["sectors"], run.job, dirty, run.evidence)
    _add_options(run.plan, run.evidence, run.job, run.resumed)
    if before is not None:
        from rescue.engine.plan import regression

        regression.put_back(run.plan, run.evidence["options"], run.job, before)
    _say_what_cannot_be_proven(run)
    steps = [step["sector"] for step in run.plan["steps"]]
    run.plan["put_back"] = []
    run.plan["kept"] = [
        (sector["index"], sector["address"], sector["size"], sector.get("count", 1), sector["sha256"])
        for sector in run.evidence.get("sectors") or ()
        if not sector["owned"] and sector["index"] not in steps
        if sector["sha256"] is not None or sector["state"] == "blank"
    ]
    run.observer.event("plan", {"lines": run.plan["lines"], "estimate_ms": run.plan["estimate_ms"]})
    if run.image is None:
        return  # a good unit that is read for others
    if not run.plan["steps"] and not run.plan["options"] and not run.plan["protect"]:
        run.skip_to("safe-off")
    elif run.plan["regress"] and not run.plan["restore"]:
        run.skip_to("act")  # what is protected cannot be read


def _say_what_cannot_be_proven(run):
    from rescue.engine.unit.power_removal import why_not

    reason = why_not(run.power)
    if not run.plan["steps"] and not run.plan["options"]:
        return
    if reason:
        run.plan["lines"].append("no proof by a power cycle at the end: " + reason)
    elif run.power.by_hand():
        run.plan["lines"].append("the proof at the end needs a person who switches the unit off and on")


def _consented(run):
    if run.screen is not None:
        return run.screen.ask(run)
    run.by = "operator:typed on the host"
    run.granted = {"words": run.needs, "scope": ", ".join(run.needs), "unit": run.evidence["chip"]["uid"]}
    run.granted["by"], run.granted["given"] = run.by, True
    run.job.consent += run.needs
    return True
