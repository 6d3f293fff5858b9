# Whether a unit with that diagnosis may be written to: is its cause curable, and does the job or a person consent?

from rescue.engine.diagnosis.diagnose import drop_rules

_RECOVERED = "RECOVERED"
_WRONG_TARGET = "WRONG_TARGET"
_APPLICATIONS = ("firmware", "application")  # how the words of consent end that are about whose firmware goes
# What a job may allow although the cause stands in the way: cause -> word in policy.consent.
_CONSENT = {
    "newer-firmware": "newer-firmware",
    "wrp": "wrp",
    "wrong-boot-address": "option-bytes",
    "option-corruption": "option-bytes",
    "rdp1": "rdp-regression",
    "bootloader-waiting": "update-flag",
    "older-firmware": "older-firmware",
    "unknown-application": "unknown-application",
}


def may_go_on(run, cause):
    """Whether it is curable and allowed. Adds to the run's diagnosis what is missing, and to `run.needs`."""
    if run.ends_as == _WRONG_TARGET:
        return False
    if run.image is None:
        return run.job.name != "" and cause == "firmware-runs" and run.resumed is None  # learned
    if run.job.mode == "rewrite" and cause in ("healthy", "older-firmware"):
        return True
    if cause == "wrong-boot-address" and not [entry for entry in run.job.options if entry[0] == "boot"]:
        return False  # the job has no address to put there: all else would be written in vain
    needs = _needs(run, cause)
    if cause in ("rdp1", "options-cut") and not run.power.can_switch():
        run.diagnosis["evidence"].append("removing the protection needs the power taken away, and nobody here can")
        return False
    if cause == "rdp1" and not _keeps_a_start(run):
        return False
    if needs and _agreed(run, [word for word in needs if not _consented(run, word)]):
        return True
    # Write protection that a cut run had lifted is put back; it is no consent to write over another application.
    unfinished = run.resumed is not None and run.resumed["wpsn"]
    if unfinished and not [word for word in needs if word.endswith(_APPLICATIONS)]:
        return True
    return not needs and run.ends_as == _RECOVERED


def _keeps_a_start(run):
    # Whether the image holds what the chip starts: with the protection goes all else, a bootloader in front included.
    options, job = run.evidence["options"], run.job
    address = options["boot_add0"]
    if "option-bytes" in job.consent:
        for register, value, mask in job.options:
            if register == "boot":
                address = (options["boot"] & ~mask | value & mask) << 16 & 0xFFFFFFFF
    if job.owns(address, job.word_bytes):
        return True
    start = "0x%08x" % address
    run.diagnosis["evidence"].append("the chip starts at %s, and the image has nothing there" % start)
    run.diagnosis["next_step"] = (
        "Leave the protection: removing it would erase what starts at %s for good. "
        "Get an image from the maker that brings it." % start
    )
    return False


def _consented(run, word):
    # Who gives up an application that nobody knows gives up an older one as well.
    consent = run.job.consent
    return word in consent or (word == "older-firmware" and "unknown-application" in consent)


def _needs(run, cause):
    # The words of consent that this unit needs.
    needs = _torn_sectors(run) if cause == "torn-data" else [_CONSENT[cause]] if cause in _CONSENT else []
    if run.evidence.get("sectors") and (needs or run.ends_as == _RECOVERED):
        # Writing over somebody else's application needs its own word, whatever else is the matter.
        from rescue.engine.diagnosis.whose import word_for

        word = word_for(run.evidence)
        del word_for
        drop_rules()
        if word is not None and word not in needs:
            needs.append(word)
    return needs


def _agreed(run, needs):
    # Whether the policy has it all, or a person may still be asked (in the step "plan").
    if not needs:
        return True
    run.diagnosis["needs"] = needs
    for word in needs:
        if word not in run.job.ask:
            return False
    run.needs = needs
    run.diagnosis["ask"] = True  # a person may give it
    if run.screen is not None:
        return True
    return all(word in run.given for word in needs)


def _torn_sectors(run):
    sectors = run.evidence["sectors"]
    return ["sector:%d" % sector["index"] for sector in sectors if sector["state"] == "torn" and not sector["owned"]]
