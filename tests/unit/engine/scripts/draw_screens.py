# Draws every screen on a front that keeps the pictures, and prints them as JSON: name -> rows of 128 characters.

import json

from face_ports import Clock, Panel

from rescue.front import controls
from rescue.front.screens import Screen
from rescue.front.words import wrap
from rescuelink.outcomes import OUTCOMES


def rows(picture):
    return ["".join("#" if picture[y // 8 * 128 + x] >> (y % 8) & 1 else "." for x in range(128)) for y in range(64)]


def record(outcome, cause, next_step):
    return {"outcome": outcome, "diagnosis": {"cause": cause}, "next_step": next_step}


clock = Clock()
front = Panel(clock)
screen = Screen(front, clock)
seen = {}

screen.idle("ready")
seen["idle"] = rows(front.pictures[-1])
clock.now += 1000
screen.working("job", 0, 16, "")
clock.now += 1000
screen.progress("backup", 9, 16, "backup", 0, 1000)
clock.now += 2000
screen.progress("backup", 9, 16, "backup", 500, 1000)
seen["half"] = rows(front.pictures[-1])
count = len(front.pictures)
for _ in range(20):
    clock.now += 10
    screen.progress("backup", 9, 16, "backup", 600, 1000)
seen["refreshes_in_200_ms"] = len(front.pictures) - count
screen.result(record("RECOVERED", "update-cut", "Do the maker's protection test before the unit goes back on cells."))
seen["recovered"] = rows(front.pictures[-1])
screen.result(record("UNSAFE", "short-3v3", None))
seen["unsafe"] = rows(front.pictures[-1])
unsaved = record("TOOL_ERROR", "update-cut", "Replace the card and run the job again.")
unsaved["unit_outcome"] = "RECOVERED"
screen.result(unsaved)
seen["unsaved"] = rows(front.pictures[-1])
screen.result(record("TOOL_ERROR", "update-cut", "Replace the card and run the job again."))
seen["not told"] = rows(front.pictures[-1])
screen.tell("TOOL ERROR", "Replace the card and run the job again.")
seen["told"] = rows(front.pictures[-1])

seen["patterns"] = {}
for colour in controls.PATTERNS:
    front.lights = []
    front.beeps = []
    for now in range(0, 2000, 100):
        controls.light(front, colour, now)
    seen["patterns"][colour] = sorted({repr(light) for light in front.lights})
seen["codes"] = {}
for outcome in OUTCOMES.values():
    front.lights = []
    front.beeps = []
    for now in range(0, 20000, 50):
        controls.blink(front, outcome.colour, outcome.code, now)
    controls.sound(front, clock, outcome.code)
    seen["codes"][outcome.name] = {"lights": front.lights, "beeps": front.beeps}

button = controls.Button(front, clock)
seen["button"] = []
for start, end, limit in ((100, 300, 1000), (100, 3000, 1000), (100, 110, 1000), (5000, 5100, 1000)):
    clock.now = 0
    front.presses = [(start, end)]
    seen["button"].append(button.wait(limit, lambda now: None))
seen["wrapped"] = wrap("Do the maker's protection test before the unit goes back on cells.", 16, 3)
print(json.dumps(seen))
