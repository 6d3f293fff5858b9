# A consent that the job leaves to the person at the dongle: a screen names unit and scope, two seconds are for reading
# it, and then a long press is a yes. A short press, or nobody for half a minute, is a no.

from rescue.front import controls, words

_READ_MS = 2000
_WAIT_MS = 30_000
_LOOK_MS = 50
_BY = "operator:long press after the screen that named unit and scope"
_SCOPES = {
    "newer-firmware": "write the older firmware",
    "older-firmware": "write over firmware that runs",
    "unknown-application": "ERASE an unknown application",
    "option-bytes": "set option bytes",
    "wrp": "lift write protection",
    "rdp-regression": "ERASE ALL, calibration too",
    "update-flag": "clear the update flag",
    "put-back": "put back what was there before",
}


def ask(run):
    """Whether the person agreed to run.needs; what was asked and said is in run.granted. Nobody is asked who cannot see
    what for, or cannot answer."""
    if "display" in run.ports.missing or "button" in run.ports.missing:
        return False
    uid = run.evidence["chip"]["uid"]
    scope = ", ".join([_SCOPES.get(word) or "rewrite " + word.replace(":", " ") for word in run.needs])
    run.granted = {"words": run.needs, "scope": scope, "unit": uid, "by": _BY, "given": False}
    run.observer.event("ask", run.granted)
    draw(run.screen, uid[-8:], scope, run.needs)
    clock, front = run.ports.clock, run.ports.panel
    start = clock.ms()
    # Nobody has read it yet, and a button that is still down was not pressed for this.
    while clock.since_ms(start) < _READ_MS or (front.pressed() and clock.since_ms(start) < _WAIT_MS):
        run.power.check()
        clock.sleep_ms(_LOOK_MS)
    kind = controls.Button(front, clock).wait(_WAIT_MS, lambda now: _waiting(run, now))
    if kind != "long":
        return False
    run.granted["given"] = True
    run.by = _BY
    run.job.consent += run.needs
    return True


def draw(screen, unit, scope, needs):
    """The question: which unit, what is to be done to it, how to answer."""
    language = screen.language
    if language != "en":
        scope = ", ".join([_named(language, word) for word in needs])
    lines = [words.say(language, "page.unit") + " " + unit]
    answer = words.say(language, "consent.answer")
    if words.is_high(answer):
        screen.page(answer, lines + words.wrap(scope, 16, 2))
        return
    lines += words.wrap(scope, 16, 3)
    screen.page("consent.title", lines + [""] * (4 - len(lines)) + [answer])


def _named(language, word):
    # "sector:7" is "rewrite sector 7".
    name, _, number = word.partition(":")
    return words.say(language, "scope." + name) + (" " + number if number else "")


def _waiting(run, now_ms):
    run.power.check()
    run.ports.panel.led(*(controls.YELLOW if now_ms // 250 % 2 else controls.OFF))
