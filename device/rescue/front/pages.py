# Whole screens that stand still: idle, a result, a question. Each function does what the method of Screen with its name
# says.

from micropython import const

_WIDTH = const(128)
_COLUMNS = const(16)


def idle(screen, note, prompt):
    screen.clear()
    _centred(screen, "bmsrescue", 4)
    screen.frame.hline(0, 16, _WIDTH, 1)
    for number, line in enumerate(wrap(note, _COLUMNS, 2)):
        _centred(screen, line, 22 + number * 10)
    _centred(screen, prompt, 52)
    screen.send()


def result(screen, record):
    from rescuelink.outcomes import OUTCOMES  # only now: the heap is tight until the run is over

    outcome = OUTCOMES[record["outcome"]]
    # How the unit did, where only its record was lost.
    lines = wrap(record.get("unit_outcome", record["diagnosis"]["cause"]).replace("_", " "), _COLUMNS, 1)
    lines += wrap(record["next_step"] or outcome.sentence, _COLUMNS, 5 - len(lines))
    page(screen, outcome.name.replace("_", " "), lines)


def page(screen, title, lines):
    screen.clear()
    screen.frame.fill_rect(0, 0, _WIDTH, 11, 1)
    _centred(screen, title, 2, 0)
    for number, line in enumerate(lines):
        screen.frame.text(line, 0, 14 + number * 10, 1)
    screen.send()


def tell(screen, title, text):
    page(screen, title, wrap(text, _COLUMNS, 5))


def _centred(screen, text, y, colour=1):
    text = text[:_COLUMNS]
    screen.frame.text(text, (_WIDTH - 8 * len(text)) // 2, y, colour)


def wrap(text, columns, lines):
    """Words on at most `lines` lines of `columns` characters; a text that is too long ends in "..."."""
    result = []
    line = ""
    for word in text.split():
        joined = line + " " + word if line else word
        if len(joined) <= columns:
            line = joined
            continue
        if line:
            result.append(line)
        line = word[:columns]
    if line:
        result.append(line)
    if len(result) > lines:
        result = result[:lines]
        if result:
            result[-1] = result[-1][: columns - 3] + "..."
    return result
