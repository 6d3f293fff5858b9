# What a person does next, where the outcome says more about it than the diagnosis from before the cure.

from rescuelink import outcomes

_AGAIN = "Leave the card in and press again: the next run goes on where this one stopped."
_ANEW = "Nothing was changed. Press again to start anew."
_TEST = (
    "Before it goes back on cells, have its protections tested: over-voltage, under-voltage, over-current, "
    "short circuit, temperature."
)
_BY_HAND = (
    "Switch the unit off until its lights are out and on again, and see that it starts; then press again: the next run "
    "says whether the core runs the image. "
)
_CHECK = "Check serial number, calibration and limits against the maker's papers or a unit of the same kind. "
_CONSENT = (
    "If that is wanted: write %s into policy.consent of job.json, or into policy.ask to be asked for it, "
    "and press again."
)


def after(name, run, known, check_config=False):
    """The next step for the outcome `name`; `known` is what error or diagnosis have to say, or None. check_config: the
    unit's own data was rewritten."""
    if name == outcomes.RECOVERED:
        return _TEST
    if name == outcomes.RECOVERED_CHECK_CONFIG:
        return _rewritten(run) + _CHECK + _TEST
    if name == outcomes.VERIFIED_UNPROVEN:
        return _BY_HAND + (_rewritten(run) + _CHECK if check_config else "") + _TEST
    if name == outcomes.INTERRUPTED:
        return _AGAIN if known is None else _sentence(known) + " " + _AGAIN
    if name == outcomes.ABORTED:
        return _ANEW
    needs = (run.diagnosis or {}).get("needs")
    if name == outcomes.LOCKED and needs:
        words = " and ".join(['"%s"' % word for word in needs])
        return ("" if known is None else _sentence(known) + " ") + _CONSENT % words
    return known


def _rewritten(run):
    # Whose contents may no longer be what they were.
    if run.evidence.get("regressed") or (run.plan and run.plan["regress"]):
        return "Removing the read protection has erased everything that the image does not bring. "
    own = [str(step["sector"]) for step in run.plan["steps"] if step["source"] != "image"] if run.plan else []
    return "The unit's own data in sector %s were written back with words missing. " % ", ".join(own) if own else ""


def _sentence(text):
    return text if text.endswith((".", "?", "!")) else text + "."
