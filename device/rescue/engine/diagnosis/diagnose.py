# Evidence in, cause out: a pure function, runnable anywhere on a stored record.
#
# The rules stand in three tables (rules_supply, rules_chip, rules_firmware; rules_open for the last where there is no
# job), read from top to bottom in the order in which the unit must be in order (docs/reference/unit.md#p0). The first
# rule that fires is the diagnosis. A rule returns None, or (confidence, values for the cause's sentence, deciding
# evidence lines, alternatives). A value "ends_as" stands in for the cause's own outcome.

from rescue.engine import modules
from rescuelink.diagnoses import GROUPS, OPEN_GROUPS, cause

_JUDGING = (
    "rescue.engine.diagnosis.rules_ rescue.engine.diagnosis.whose "
    "rescue.engine.unit.fault_words rescue.engine.unit.running"
)
_IN_ORDER = ("healthy", "quiet")


def diagnose(evidence):
    """{"cause", "confidence", "sentence", "evidence", "alternatives", "apart": what one would see if it were the
    alternative in the same place, "next_step", "ends_as"} for an evidence dict."""
    found = None
    groups = OPEN_GROUPS if (evidence.get("expected") or {}).get("open") else GROUPS
    for group in groups:
        found = _first(_rules(group), evidence)
        drop_rules()  # before the words are loaded
        if found is not None:
            break
    if found is None:
        found = ("undecided", "possible", {}, ["no rule fits"], [])
    beside, doubts, roles = _remarks(evidence)
    drop_rules()
    finding = _finding((group if groups is GROUPS else "open",) + GROUPS, found, roles)
    finding["evidence"] += [line for line in beside if line not in finding["evidence"]]
    if doubts and found[0] in _IN_ORDER and finding["confidence"] == "certain":
        finding["confidence"] = "likely"  # not all that could be seen agrees
    return finding


def drop_rules():
    """Lets go of what has judged."""
    modules.drop(_JUDGING)


def _rules(group):
    if group == "supply":
        from rescue.engine.diagnosis.rules_supply import RULES
    elif group == "chip":
        from rescue.engine.diagnosis.rules_chip import RULES
    elif group == "open":
        from rescue.engine.diagnosis.rules_open import RULES
    else:
        from rescue.engine.diagnosis.rules_firmware import RULES
    return RULES


def _remarks(evidence):
    from rescue.engine.diagnosis.rules_common import roles_in_words
    from rescue.engine.diagnosis.rules_remarks import doubts, lines

    return lines(evidence), doubts(evidence), roles_in_words(evidence)


def _first(rules, evidence):
    for name, rule in rules:
        found = rule(evidence)
        if found is not None:
            return (name,) + found
    return None


def _words(name, groups):
    # One table in the heap at a time.
    for group in groups:
        try:
            return cause(name, (group,))
        except KeyError:
            pass
        finally:
            modules.drop("rescuelink.causes_")
    raise KeyError(name)


def _distinguishing(alternatives, roles):
    if not alternatives:
        return []
    from rescuelink.distinguishing import TABLE

    found = [TABLE[name].format(**roles) for name in alternatives]
    modules.drop("rescuelink.distinguishing")
    return found


def _finding(groups, found, roles):
    name, confidence, values, lines, alternatives = found
    roles.update(values)  # these are the evidence's own, and are not changed
    values = roles
    words = _words(name, groups)
    return {
        "cause": name,
        "confidence": confidence,
        "sentence": words.sentence.format(**values),
        "evidence": lines,
        "alternatives": alternatives,
        "apart": _distinguishing(alternatives, roles),
        "next_step": words.next_step.format(**values),
        "ends_as": values.get("ends_as", words.ends_as),
    }
