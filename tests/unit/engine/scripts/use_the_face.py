# A person at the dongle without a unit behind it: the menu, a pile of units, the self-test, the settings. Prints JSON.

import json
import sys

from face_ports import Clock, Panel

from rescue import board_file
from rescue.engine import run as engine_run
from rescue.front import app as app_module
from rescue.front import calibrate, menu, piles, self_test, settings, tally
from rescue.hal.ports import Ports
from rescuelink.guard import judge

ROOT = sys.argv[1]
app_module._take_names = lambda: None  # of a built agent
UID = "365139384138470400BD0010"


class Wire:
    # A unit lies there while the clock is inside one of `units`; `stuck`: a bit that our pulls do not move.
    resends = 0

    def __init__(self, clock):
        self.clock = clock
        self.units = []
        self.stuck = 0

    def pulled(self, up):
        if any(start <= self.clock.now < end for start, end in self.units):
            return 0
        return 3 if up else self.stuck

    def release(self):
        pass


class Lines:
    low = False

    def nrst(self, low):
        self.low = low

    def nrst_level(self):
        return not self.low

    def release_all(self):
        pass


class Rails:
    names = spans = ()

    def grounded(self):
        return None

    def current_ma(self):
        return None


class Card:
    root = ROOT + "/card"

    def mount(self):
        pass

    def unmount(self):
        pass

    def look(self):
        return b"card"


class Store:
    root = ROOT


def record(outcome):
    diagnosis = {"cause": "update-cut", "ends_as": "RECOVERED", "confidence": "certain", "evidence": ["x"]}
    return {"outcome": outcome, "diagnosis": diagnosis, "next_step": None, "unit": {"uid": UID}}


def new_app(config=None, missing=()):
    clock = Clock()
    panel, wire = Panel(clock), Wire(clock)
    ports = Ports(clock, wire, Lines(), Rails(), Card(), Store(), panel, missing=missing)
    app = app_module.App(ports, config or {})
    app.treated = 0

    def run_job(*_given):
        app.treated += 1
        clock.now += 20_000
        return record("RECOVERED")

    engine_run.run = run_job  # which press.py takes from there, each time that it is loaded
    return app


class Enough(Exception):
    pass


def until(app, end_ms):
    # Runs the dongle for so long.
    clock = app.ports.clock
    sleep = clock.sleep_ms

    def sleep_ms(n):
        if clock.now > end_ms:
            raise Enough
        sleep(n)

    clock.sleep_ms = sleep_ms
    try:
        app.run()
    except Enough:
        clock.sleep_ms = sleep


seen = {}

# One unit by hand: a press, the result, its pages by short presses, ready again.
app = new_app()
app.ports.panel.presses = [(500, 700)]
until(app, 24_000)
seen["treated by one press"] = app.treated
seen["beeps"] = len(app.ports.panel.beeps)
pages = len(app.more)
app.ports.panel.presses = [(25_000 + 1000 * n, 25_200 + 1000 * n) for n in range(pages + 1)]

# The same, with every page looked at.
app = new_app()
start = 21_500
app.ports.panel.presses = [(500, 700)] + [(start + 1000 * n, start + 200 + 1000 * n) for n in range(pages + 1)]
until(app, start + 1000 * (pages + 3))
seen["pages behind the result"] = pages
seen["pictures after reading all"] = len(set(app.ports.panel.pictures[-pages - 2 :]))
seen["treated by reading"] = app.treated
seen["counted"] = tally.read(ROOT)

# Long: the menu; long on its first entry: many units. Three come and go, then a long press ends it.
app = new_app({"pile_limit": 2})
app.ports.panel.presses = [(500, 2600), (3000, 5000)]
app.ports.wire.units = [(8000, 40_000), (45_000, 75_000), (80_000, 110_000)]
until(app, 120_000)
seen["treated of a pile with a limit"] = app.treated
app = new_app()
app.ports.panel.presses = [(500, 2600), (3000, 5000)]
app.ports.wire.units = [(8000, 40_000), (45_000, 75_000), (80_000, 110_000)]
until(app, 120_000)
seen["treated of a pile"] = app.treated
seen["pile"] = app.pile
app = new_app(missing=("pulls",))
app.ports.panel.presses = [(500, 2600), (3000, 5000), (8000, 8200), (40_000, 40_200), (45_000, 47_000)]
until(app, 60_000)
seen["by button alone"] = [app.treated, app.pile]

# Settings: language and sound, kept over a new start.
app = new_app({"language": "de"})
seen["language of board.json"] = app.screen.language
to_settings = menu._ENTRIES.index("settings")
app.ports.panel.presses = [(500, 2600)] + [(3000 + 500 * n, 3200 + 500 * n) for n in range(to_settings)]
there = 3000 + 500 * to_settings
chosen = ((0, 2000), (2500, 4500), (5000, 5200), (5500, 7500))
app.ports.panel.presses += [(there + start, there + end) for start, end in chosen]
until(app, there + 8500)
seen["chosen"] = settings.read(ROOT, {})
seen["after a new start"] = [new_app({"language": "de"}).screen.language, new_app().sound]


# Every entry of the menu, with nobody who presses.
class Nobody:
    def __init__(self, clock):
        self.clock = clock

    def for_press(self, limit_ms, sign=None):
        self.clock.sleep_ms(limit_ms)

    def is_wanted(self):
        return False


seen["opened"] = {}
for entry in menu._ENTRIES:
    if entry not in ("piles", "back"):
        app = new_app()
        app.tally = tally.read(ROOT)
        try:
            menu._open(entry, app, Nobody(app.ports.clock))
            seen["opened"][entry] = len(app.ports.panel.pictures)
        except Exception as error:  # noqa: BLE001 - any: the test names the entry
            seen["opened"][entry] = repr(error)

# The helper's own parts.
app = new_app()
config = {"rails": {"v12": {"calibration": [[0, 0], [1, 1]]}, "v3v3": {"calibration": None}, "bplus": {"ina226": True}}}
seen["well"] = self_test.run(app.ports, config, ("card", "zero", "reference", "lines", "clock"))
app.ports.wire.stuck = 2
seen["stuck"] = self_test.run(app.ports, config, ("lines",))
seen["not there"] = self_test.run(new_app(missing=("card", "pulls", "power")).ports, {}, self_test.TESTS)
app = new_app()
app.ports.card.root = ROOT + "/nothing"
seen["no card"] = self_test.run(app.ports, config, ("card",))
Card.root = ROOT + "/card"


# A rail of a 1:2 divider, by a meter: its ADC reads `truth` 2 % low, and more by `drift` with each reading.
class Adc:
    names = ("bplus", "v3v3")
    spans = ()
    truth = 0
    drift = 0

    def read_mv(self, name, quick=False):
        return self.read_raw(name) * 6600 // 65535

    def read_raw(self, name):
        self.truth += self.drift
        return None if name == "bplus" else self.truth * 65535 // 6600 * 98 // 100


class Meter:
    # A person who brings the rail to the next voltage when asked for it, and types what the meter shows.
    def __init__(self, adc, volts, shows=None):
        self.adc, self.volts, self.shows = adc, list(volts), list(shows or volts)
        self.presses = []

    def for_press(self, _limit_ms):
        if not self.presses and self.volts:
            self.adc.truth = self.volts.pop(0)
            wanted, before = self.shows.pop(0), self.adc.read_mv("v3v3")
            for power in (10_000, 1000, 100, 10, 1):
                self.presses += ["short"] * ((wanted // power - before // power) % 10) + ["long"]
            return "short"
        return self.presses.pop(0) if self.presses else None


def calibrated(volts, shows=None, drift=0):
    with open(ROOT + "/board.json", "w") as file:
        json.dump({"helper": "h", "rails": {"v3v3": {"adc": 26, "top_ohm": 10_000, "bottom_ohm": 10_000}}}, file)
    app = new_app()
    adc = app.ports.rails = Adc()
    adc.drift = drift
    meter = Meter(adc, volts, shows)
    meter.presses = ["long"]  # the only rail of an ADC
    said = []
    tell = app.screen.tell
    app.screen.tell = lambda title, text: said.append(text) or tell(title, text)
    calibrate.show(app, meter)
    with open(ROOT + "/board.json") as file:
        return [said[-1], json.load(file)["rails"]["v3v3"].get("calibration")]


board_file.path = lambda: ROOT + "/board.json"
seen["calibrated"] = calibrated([100, 3300])
with open(ROOT + "/board.json") as file:
    seen["calibrated"].append(json.load(file)["rails"]["v3v3"]["calibrated"]["uncertainty_mv"])
seen["uncalibrated"] = [
    calibrated([100, 300]),
    calibrated([100, 3300], [1000, 900]),
    calibrated([100, 3300], [1000, 33_000]),
    calibrated([100, 6900]),
    calibrated([100, 3300], drift=20),
    calibrated([100]),
]

# A helper without a display blinks the code, and a long press starts.
app = new_app(missing=("display",))
app.ports.panel.presses = [(500, 2600)]
until(app, 30_000)
seen["without a display"] = app.treated

# A unit that is not there holds nothing.
seen["there"] = [piles.is_there(new_app().ports), piles.is_there(new_app(missing=("pulls",)).ports)]
seen["judged"] = [judge(mv, 3135, 3465, 54) for mv in (3080, 3081, 3188, 3189, 3411, 3412, 3519, 3520)]
print(json.dumps(seen))
