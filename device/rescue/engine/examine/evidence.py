# What can be learnt about the chip without changing it, as one plain dict (docs/architecture.md, Evidence).
#
# Each group is read by itself: what cannot be read is left out and named under "unreadable", and the rest still counts.

from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import RescueError


def expected(job):
    """What the diagnosis compares with, so that it stays a pure function of the evidence alone."""
    rails = {}
    for name, window in job.limits.rails.items():
        rails[name] = [window.low_mv, window.high_mv]
    known = {
        "chip": job.chip,
        "dev_id": job.dev_id,
        "flash_kib": job.flash_kib,
        "boot_address": job.boot_address,
        "start": job.boot_address if job.bootloader is None else job.bootloader[0],
        "flash": [0x08000000, 0x08000000 + (job.flash_kib or 0) * 1024],
        "options": job.options,
        "min_clock_hz": job.proof.min_clock_hz,
        "rails": rails,
        "roles": job.limits.roles,
    }
    if not job.image.segments:
        known["open"] = True
    if hasattr(job, "uid"):
        known["uid"] = job.uid
    return known


def settle(run, chip):
    """Without a job the unit itself says what is expected of it: its chip, and where that starts."""
    job, found = run.job, run.chip.chip
    job.chip, job.dev_id, job.flash_kib = chip["name"], chip["dev_id"], chip["flash_kib"]
    job.sector_bytes, job.word_bytes = found.sector_bytes, found.word_bytes
    job.boot_address = _start(run.evidence, run.chip.flash)
    run.evidence["expected"] = expected(job)


def _start(evidence, flash):
    # Where the option bytes start the chip; the flash where they could not be read.
    options = evidence.get("options")
    return flash.base if options is None else options["boot_add0"]


def _vectors(evidence, flash, address):
    address = _start(evidence, flash) if address is None else address
    return flash.vectors(address) if flash.base <= address < flash.base + flash.size else None


def gather(evidence, ports, target, chip, boot_address, attached):
    """Adds chip, reset_cause, options, supply, core and vectors. The reset cause is read before any reset of ours.

    `attached`: the core was left running, so that its state and samples are its own.
    """
    groups = [("chip", chip.identity)]
    if attached:
        from rescue.engine.unit import running_look as look

        if look.is_left_halted(target.core):
            evidence["swd"]["left_halted"] = True
            look.start_anew(ports, target)
        groups.append(("clocks", lambda: look.clocks(target, target.core.clock)))
        groups.append(("core", lambda: look.core(target.core, evidence.get("clocks"), "silent" in evidence)))
        groups.append(("watchdog", lambda: target.family.watchdog(target.ap0)))
    groups += [
        ("reset_cause", lambda: target.family.reset_cause(target.ap0)),
        ("options", chip.options.read),
        ("supply", chip.supply),
        ("vectors", lambda: _vectors(evidence, chip.flash, boot_address)),
    ]
    for name, read in groups:
        wait_for_nrst(ports)  # a reset while the core was watched: nothing on the chip answers before it is over
        try:
            evidence[name] = read()
        except RescueError as error:
            evidence.setdefault("unreadable", {})[name] = error.kind
