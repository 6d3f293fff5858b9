# Whole screens that stand still: idle, a result, a question. Each function does what the method of Screen with its name
# says. A line of letters is 10 pixels high, one with Chinese in it 16.

from micropython import const

from rescue.front import words

_WIDTH = const(128)
_HEIGHT = const(64)
_COLUMNS = const(16)
_BESIDE = const(13)  # columns beside a symbol
_RAILS = ("bplus", "v12", "v5iso", "v3v3", "vcap")
_MOST_LINES = const(40)  # of a text in full
_KINDS = "idle word do cause page sure consent scope hand menu rail test wiring pile set history count cal"
# Outcomes whose next step is their own, not the cause's; and those whose general one is right whatever has happened.
_OWN = ("RECOVERED", "RECOVERED_CHECK_CONFIG", "VERIFIED_UNPROVEN", "INTERRUPTED", "ABORTED")
_ALWAYS = ("CHECK_WIRES", "LOCKED", "WRONG_TARGET", "UNSAFE", "TOOL_ERROR")


def idle(screen, note, prompt):
    screen.clear()
    title(screen, "bmsrescue")
    note = said(screen, note)
    high = words.is_high(note)
    for number, line in enumerate(words.wrap(note, _COLUMNS, 1 if high else 2)):
        _centred(screen, line, 14 + number * 9)
    last = "idle.menu" if prompt == "idle.start" else prompt
    high = words.is_high(said(screen, last))
    if last != prompt:
        _centred(screen, said(screen, prompt), 32 if high else 42)
    _centred(screen, said(screen, last), 48 if high else 54)
    screen.send()


def result(screen, record):
    from rescuelink.outcomes import OUTCOMES  # only now: the heap is tight until the run is over

    outcome = OUTCOMES[record["outcome"]]
    found = record["diagnosis"]
    screen.clear()
    top = title(screen, said(screen, "word." + outcome.name))
    words.draw(screen.frame, outcome.symbol, 0, top)
    # How the unit did, where only its record was lost.
    key = "word." + record["unit_outcome"] if "unit_outcome" in record else "cause." + found["cause"]
    _lines(screen, words.wrap(said(screen, key), _BESIDE, 2), 20, top, 9)
    lines = words.wrap(_do(screen, record, outcome), _COLUMNS, 3)
    _lines(screen, lines, 0, top + (16 if words.is_high("".join(lines)) else 20), 10)
    screen.send()
    return _more(screen, record, outcome)


def _do(screen, record, outcome):
    # What to do now, in few words: the outcome's, the cause's, or, where the record has a next step of its own, that.
    step = record["next_step"]
    found = record["diagnosis"]
    name = outcome.name
    if name in _OWN:
        return said(screen, "do." + name)
    if not step or step.startswith((found.get("next_step") or "?").rstrip(".")):
        key = "do." + (found["cause"] if found.get("ends_as") == name else name)
        if not step or words.has(screen.language, key):
            return said(screen, key)
    if screen.language == "en":
        return step
    return said(screen, "do." + name if name in _ALWAYS else "do.read-on")


def _more(screen, record, outcome):
    # (key of the title, lines) of the pages behind the first: what decided, what nobody saw, and all of it in full.
    found = record["diagnosis"]
    pages = []
    decided = list(found.get("evidence") or ())
    if found.get("confidence"):
        decided.insert(0, said(screen, "sure." + found["confidence"]))
    if decided:
        _part(pages, "page.why", "; ".join(decided))
    seen = (record.get("rails") or {}).get("on")
    if seen is not None:
        unseen = [name for name in _RAILS if name not in seen]
        _part(pages, "page.unseen", ", ".join(unseen) if unseen else said(screen, "page.all-seen"))
    sentence = found.get("sentence") or record.get("sentence") or outcome.sentence
    _part(pages, "page.words", sentence + " " + (record["next_step"] or ""))
    return pages


def _part(pages, key, text):
    # As many pages as the text takes.
    lines = words.wrap(text, _COLUMNS, _MOST_LINES)
    count = 3 if words.is_high(text) else 4
    for first in range(0, len(lines), count):
        pages.append((key, lines[first : first + count]))


def page(screen, name, lines):
    screen.clear()
    top = title(screen, said(screen, name))
    _lines(screen, lines, 0, top if words.is_high("".join(lines)) else max(top, 13) + 2 * (top > 13), 10)
    screen.send()


def tell(screen, name, text):
    page(screen, name, words.wrap(said(screen, text), _COLUMNS, 3 if words.is_high(said(screen, text)) else 5))


def choices(screen, name, texts, at):
    """As many of the texts as there is room for, with number `at` among them and marked."""
    screen.clear()
    top = title(screen, said(screen, name))
    rows = (_HEIGHT - top) // (16 if screen.language == "zh" else 10)
    first = max(min(at - rows // 2, len(texts) - rows), 0)
    height = (_HEIGHT - top) // rows
    for number in range(first, min(first + rows, len(texts))):
        text = texts[number]
        y = top + (number - first) * height
        if number == at:
            screen.frame.fill_rect(0, y - (0 if words.is_high(text) else 1), _WIDTH, height, 1)
        words.draw(screen.frame, text, 8, y, 0 if number == at else 1)
    screen.send()


def said(screen, key):
    """The text of a key; what is no key is said as it is."""
    dot = key.find(".")
    return words.say(screen.language, key) if dot > 0 and key[:dot] in _KINDS and " " not in key else key


def rail_label(name):
    """A rail's name as it stands on the display: five columns at most."""
    return {"bplus": "B+", "v5iso": "5Viso"}.get(name, name.upper())[:5]


def title(screen, text):
    """A bar with the text in it; returns where the rest begins."""
    high = words.is_high(text)
    height = 16 if high else 11
    screen.frame.fill_rect(0, 0, _WIDTH, height, 1)
    _centred(screen, text, 0 if high else 2, 0)
    return height + (0 if high else 2)


def _lines(screen, lines, x, y, height):
    for line in lines:
        words.draw(screen.frame, line, x, y)
        y += 16 if words.is_high(line) else height


def _centred(screen, text, y, colour=1):
    text = words.cut(text, _COLUMNS)
    words.draw(screen.frame, text, (_WIDTH - 8 * words.columns(text)) // 2, y, colour)
