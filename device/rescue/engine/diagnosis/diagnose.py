# Evidence in, cause out: a pure function, runnable anywhere on a stored record.
#
# The rules stand in seven tables (rules_open for the last three where there is no job), read from top to bottom in the
# order in which the unit must be in order (docs/reference/unit.md#p0). The first rule that fires is the diagnosis. A
# rule returns None, or (confidence, values for the cause's sentence, deciding evidence lines, alternatives). A value
# "ends_as" stands in for the cause's own outcome.
#
# One table is in the heap at a time, and neither the words nor what the step does with the finding beside it: with the
# drivers of a connected chip it is the most that a run needs.

from rescue.engine import modules

# (table, the group of causes whose words are asked first)
_TABLES = (
    ("trip", "supply"),
    ("supply", "supply"),
    ("contact", "chip"),
    ("chip", "chip"),
    ("start", "firmware"),
    ("firmware", "firmware"),
    ("behaviour", "firmware"),
)
_WITHOUT_JOB = _TABLES[:4] + (("open", "open"),)

_JUDGING = "rescue.engine.: diagnosis.rules_ diagnosis.about_ diagnosis.whose unit.fault_words unit.running"
_IN_ORDER = ("healthy", "quiet")


def diagnose(evidence, look=None):
    """{"cause", "confidence", "sentence", "evidence", "alternatives", "apart": what one would see if it were the
    alternative in the same place, "next_step", "ends_as"} for an evidence dict. `look` is called with each table in the
    heap."""
    found = None
    is_open = bool((evidence.get("expected") or {}).get("open"))
    group = ""
    for table, group in _WITHOUT_JOB if is_open else _TABLES:  # noqa: B007 - the last one counts
        found = _first(_rules(table), evidence)
        if look is not None:
            look()
        drop_rules()  # before the next, or the words
        if found is not None:
            break
    if found is None:
        found = ("undecided", "possible", {}, ["no rule fits"], [])
    beside, doubts, roles = _remarks(evidence)
    if look is not None:
        look()
    drop_rules()
    beside += _warnings(evidence)
    drop_rules()
    finding = _finding("open" if is_open else group, found, roles)
    finding["evidence"] += [line for line in beside if line not in finding["evidence"]]
    if doubts and found[0] in _IN_ORDER and finding["confidence"] == "certain":
        finding["confidence"] = "likely"  # not all that could be seen agrees
    return finding


def drop_rules():
    """Lets go of what has judged."""
    modules.drop(_JUDGING)


def _rules(table):
    if table == "trip":
        from rescue.engine.diagnosis.rules_trip import RULES
    elif table == "supply":
        from rescue.engine.diagnosis.rules_supply import RULES
    elif table == "contact":
        from rescue.engine.diagnosis.rules_contact import RULES
    elif table == "chip":
        from rescue.engine.diagnosis.rules_chip import RULES
    elif table == "open":
        from rescue.engine.diagnosis.rules_open import RULES
    elif table == "start":
        from rescue.engine.diagnosis.rules_start import RULES
    elif table == "firmware":
        from rescue.engine.diagnosis.rules_firmware import RULES
    else:
        from rescue.engine.diagnosis.rules_behaviour import RULES
    return RULES


def _remarks(evidence):
    from rescue.engine.diagnosis.about_rails import roles_in_words
    from rescue.engine.diagnosis.rules_remarks import doubts, lines

    return lines(evidence), doubts(evidence), roles_in_words(evidence)


def _warnings(evidence):
    from rescue.engine.unit.running import warnings

    return warnings(evidence)


def _first(rules, evidence):
    for name, rule in rules:
        found = rule(evidence)
        if found is not None:
            return (name,) + found
    return None


def _words(name, group):
    # One table in the heap at a time.
    from rescuelink.diagnoses import GROUPS, cause

    for asked in (group,) + GROUPS:
        try:
            return cause(name, (asked,))
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


def _finding(group, found, roles):
    name, confidence, values, lines, alternatives = found
    roles.update(values)  # these are the evidence's own, and are not changed
    values = roles
    words = _words(name, group)
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
