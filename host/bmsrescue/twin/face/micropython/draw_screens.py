# Run by a MicroPython with the agent on its path: draws every screen in one language and prints, as JSON, the caption
# and the 1024 bytes of each, in hex. Times, numbers and units are always the same.

import json
import sys

import framebuf

from rescue.front import calibrate, consent_prompt, hand_prompt, menu, piles, self_test, settings, views, words
from rescue.front.screens import Screen
from rescuelink.diagnoses import all_causes
from rescuelink.limits import default_limits

LANGUAGE = sys.argv[1]
words.folder = lambda: sys.argv[2] + "/"
UID = "365139384138470400BD0010"
COUNT = 16


class Clock:
    now = 0

    def ms(self):
        return self.now

    def since_ms(self, start):
        return self.now - start

    def sleep_ms(self, n):
        self.now += n

    def feed(self):
        pass


class Panel:
    picture = None

    def show(self, picture):
        self.picture = bytes(picture)

    def led(self, *colour):
        pass

    def pressed(self):
        return False


class Anything:
    def __getattr__(self, _name):
        return lambda *_arguments: None


clock, panel = Clock(), Panel()
drawn = []


def keep(name):
    drawn.append((name, panel.picture))


def new_screen():
    return Screen(panel, clock, LANGUAGE)


def record(outcome, cause, ends_as=None, next_step=None, sentence="", rails=None, evidence=()):
    return {
        "outcome": outcome,
        "diagnosis": {
            "cause": cause,
            "ends_as": ends_as or outcome,
            "confidence": "certain",
            "evidence": list(evidence),
            "sentence": sentence,
            "next_step": next_step,
        },
        "next_step": next_step,
        "rails": {"on": rails},
    }


screen = new_screen()
screen.idle("pack 16S, firmware 1.2.0")
keep("idle: a job")
screen.idle("idle.no-card")
keep("idle: no card")
screen.idle("host: serve", "idle.unplug")
keep("a host has it")
for index, step, what, done in (
    (0, "job", "check image", 300),
    (9, "backup", "backup", 500),
    (10, "act", "write", 900),
):
    clock.now += 1000
    screen.working(step, index, COUNT, "")
    clock.now += 7000 * (index > 0)
    screen.progress(step, index, COUNT, what, done, 1000)
    keep("work: " + step)

result = record(
    "NOT_FIRMWARE",
    "no-vcap",
    sentence="The core supply reads 0 mV, with 3.3 V good and NRST low: the core has no power.",
    next_step="Check the inductor and VCAP capacitors; then start again with BOOT0 held high.",
    evidence=("vcap 0 mV (0..1)", "NRST low"),
    rails={"bplus": 1, "v12": 1, "v3v3": 1, "vcap": 1},
)
screen = new_screen()
more = screen.result(result)
keep("a hardware fault")
for number, (title, lines) in enumerate(more):
    screen.page(title, lines)
    keep("tap %d: %s" % (number + 1, title[5:]))
causes = (
    ("RECOVERED", "update-cut"),
    ("RECOVERED_CHECK_CONFIG", "cure-cut"),
    ("VERIFIED_UNPROVEN", "blank"),
    ("NO_FAULT_FOUND", "healthy"),
    ("CHECK_WIRES", "swapped-swd"),
    ("LOCKED", "rdp1"),
    ("WRONG_TARGET", "wrong-target"),
    ("UNSAFE", "short-3v3"),
    ("INTERRUPTED", "brown-out"),
    ("ABORTED", "differs"),
    ("EXAMINED", "firmware-runs"),
)
for outcome, cause in causes:
    new_screen().result(record(outcome, cause))
    keep(outcome)
new_screen().result(record("TOOL_ERROR", "not-examined", next_step="Replace the card and run the job again."))
keep("TOOL_ERROR")


class Run:
    pass


screen = new_screen()
consent_prompt.draw(screen, UID[-8:], "write over firmware that runs", ("older-firmware",))
keep("consent")
hand_prompt.Person(screen, None).draw("power", "switch the unit's supply off now")
keep("by hand")
menu.draw(screen, 1)
keep("menu")
windows = default_limits().rails
seen = {"bplus": 17990, "v12": 13150, "v5iso": 5420, "v3v3": 2900, "vcap": 1010}
views.draw_rails(screen, seen, windows, {})
keep("rails")
self_test.draw(
    screen, "menu.wiring", [("SWDIO", "high", ""), ("SWCLK", "open", ""), ("NRST", "follows", "")], "wiring."
)
keep("wiring test")
rows = [
    ("card", "pass", "412/655"),
    ("zero", "pass", "14 LSB"),
    ("reference", "marginal", "3/5"),
    ("lines", "fail", "SWDIO"),
    ("switch", "pass", "310 ms"),
    ("clock", "pass", ""),
]
self_test.draw(screen, "menu.test", rows, "test.")
keep("self-test")
calibrate.draw_rails(screen, ["bplus", "v12", "v5iso", "v3v3", "vcap"], 3)
keep("calibrate: rail")
calibrate.draw_digits(screen, "v3v3", [0, 3, 2, 9, 0], 4)
keep("calibrate: meter")
tally = {
    "runs": 48,
    "good": 43,
    "by": {"RECOVERED": 41, "NO_FAULT_FOUND": 2, "NOT_FIRMWARE": 3, "CHECK_WIRES": 2},
    "last": [[UID, "RECOVERED"], ["0000000000000000A41C77E2", "NOT_FIRMWARE"], [None, "CHECK_WIRES"]],
}
views.draw_history(screen, tally)
keep("history")
views.draw_counters(screen, tally)
keep("counters")
settings.draw(screen, {"language": LANGUAGE, "sound": True}, 1)
keep("settings")
config = {
    "helper": "helper-1",
    "rails": {"v3v3": {"calibrated": {"date": "2026-11-29", "uncertainty_mv": 17}}, "v12": {}},
}
views.draw_about(screen, config, "e66138935f6f2a29")
keep("about")
piles.draw_insert(screen, [48, 43], tally)
keep("many units")
screen.tell("menu.piles", "pile.limit")
keep("limit reached")
screen.tell("menu.probe", "page.probe-ask")
keep("debug probe?")
screen.tell("menu.probe", "page.probe-on")
keep("debug probe")

# What is not in the pictures: every cause, as its row is drawn.
causes_drawn = {}
for cause in all_causes():
    new_screen().result(record(cause.ends_as, cause.name))
    causes_drawn[cause.name] = panel.picture.hex()

# Where a text of each kind stands: columns, lines of letters, lines of Chinese.
ROOM = {
    "idle": (16, 2, 1),
    "word": (16, 1, 1),
    "cause": (13, 2, 1),
    "do": (16, 3, 2),
    "page": (16, 4, 3),
    "sure": (16, 1, 1),
    "consent": (16, 1, 1),
    "scope": (16, 3, 2),
    "hand": (16, 4, 2),
    "menu": (15, 1, 1),
    "rail": (5, 1, 1),
    "test": (16, 5, 3),
    "wiring": (10, 1, 1),
    "pile": (16, 1, 1),
    "set": (16, 1, 1),
    "history": (16, 1, 1),
    "count": (16, 1, 1),
    "cal": (16, 4, 3),
}
VALUES = {"pile.count": " 9999/9999", "page.unit": " 00BD0010", "count.runs": " 99999", "count.good": " 99999"}
STEP_COLUMNS = 10  # beside "16/16 "


def too_long(key, text):
    """Whether a text does not fit where it stands, with the longest value in it."""
    kind = key.split(".")[0]
    if kind not in ROOM:
        raise ValueError("say in ROOM of draw_screens.py where texts of the kind %r stand" % kind)
    text += VALUES.get(key, "")
    width, letters, chinese = ROOM[kind]
    lines = words.wrap(text, width, 99)
    whole = [word for word in text.split() if not words.is_high(word)]
    parted = [word for word in whole if not [line for line in lines if word in line]]
    return len(lines) > (chinese if words.is_high(text) else letters) or len(parted) > 0


with open(sys.argv[3]) as file:
    keys = json.load(file)
long = [key for key in keys if key != "steps" and too_long(key, words.say(LANGUAGE, key))]
long += [step for step in words.say(LANGUAGE, "steps").split(",") if words.columns(step) > STEP_COLUMNS]


def caption(text):
    """A name that is longer than the screen is wide loses letters of its first word: REC_CHECK_CONFIG."""
    first, bar, rest = text.partition("_")
    text = first[: max(1, 15 - len(rest))] + bar + rest if bar else text
    buffer = bytearray(128)
    framebuf.FrameBuffer(buffer, 128, 8, framebuf.MONO_VLSB).text(text, 0, 0, 1)
    return buffer.hex()


screens = [[name, caption(name), picture.hex()] for name, picture in drawn]
print(json.dumps({"screens": screens, "causes": causes_drawn, "too_long": long}))
