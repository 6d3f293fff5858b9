"""Electrical and time limits of a job, with defaults that a job may override. Reasons: docs/reference/unit.md."""

from rescuelink.dead_rails import BETWEEN, CORE, DEFAULT_ROLES, INPUT, LOGIC, OTHER
from rescuelink.fields import Fields, bad, quoted
from rescuelink.model import Limits, Window

__all__ = ("RAIL_NAMES", "Limits", "Window", "ceiling_mv", "default_limits", "read_limits")

RAIL_NAMES = ("bplus", "v12", "v5iso", "v3v3", "vcap")

# The rails of the unit that a job says nothing of: lowest good, highest good, danger (power is cut at once), all in mV
# (docs/reference/unit.md#rails). A job for another board names its own (board.rails).
_WINDOWS_MV = {
    "bplus": (15_000, 24_000, 60_000),
    "v12": (10_800, 13_200, 15_000),
    "v5iso": (4_500, 6_500, 7_000),
    "v3v3": (3_135, 3_465, 3_630),
    "vcap": (940, 1_400, 1_450),
}

# Absolute maxima in mV, which no job can lift: above them a person or the unit comes to harm.
_CEILINGS_MV = {
    "bplus": 60_000,  # what may be touched by hand on a bench: 60 V DC, IEC 62368-1 ES1
    "v12": 18_000,  # input surge of the isolated 12 V to 5 V converters (Mornsun B1205S data sheet)
    "v5iso": 7_000,  # supply of isolated RS485 and CAN transceivers (absolute maximum in their data sheets)
    "v3v3": 4_000,  # VDD of every STM32H7, absolute maximum ratings (DS13311, DS12110, DS13195)
    "vcap": 1_500,  # the core: 1.40 V is the highest operating voltage (VOS0) of H72x, H73x, H74x, H75x
}
# Of a board of the job's own, by role: what is between is no higher than what may be touched.
_ROLE_CEILINGS_MV = {
    INPUT: _CEILINGS_MV["bplus"],
    BETWEEN: _CEILINGS_MV["bplus"],
    LOGIC: _CEILINGS_MV["v3v3"],
    CORE: _CEILINGS_MV["vcap"],
    OTHER: _CEILINGS_MV["bplus"],
}
_LONGEST_NAME = 12
_MAX_RAILS = 8
_CORE_CEILING_MV = 1_450  # of the others (H7A3, H7B0, H7B3): 1.35 V in VOS0
_CHIPS_LOWER = ("STM32H7A", "STM32H7B")

# Name: default, lowest and highest allowed.
_NUMBERS = {
    "supply_ma": (150, 10, 2_000),  # what the bench supply is set to give
    "trip_ma": (300, 10, 3_000),  # cut at once above this
    "swd_hz": (4_000_000, 10_000, 50_000_000),  # what the wire is raised to once it answers
    "inrush_ms": (150, 1, 1_000),  # current is ignored this long while the rails rise
    "short_ms": (20, 1, 500),  # at the current limit and not rising this long is a short
    "rise_ms": (500, 10, 5_000),  # all rails must have settled by then
    "quiet_ms": (100, 0, 5_000),  # observed before the rails are judged
    "discharged_mv": (300, 50, 1_000),  # off means below this on 3.3 V and VCAP (others: dead_rails.py)
    "discharge_ms": (10_000, 100, 60_000),
    "hold_off_ms": (100, 0, 10_000),  # kept off this long after the rails are down
    "energise_ms": (180_000, 1_000, 300_000),  # longest time powered in one go
    "cycles_per_minute": (5, 1, 60),
    "nrst_window_ms": (100, 10, 10_000),
    "watch_s": (0, 0, 120),  # hands off for so long before anything is tried: an AFE's watchdog may take 60 s
}


def ceiling_mv(rail: str, chip: str) -> int:
    """The highest limit that a job may set for a rail of a unit with this chip: by its name, or by a role."""
    if rail in ("vcap", CORE) and chip[:8] in _CHIPS_LOWER:
        return _CORE_CEILING_MV
    return _ROLE_CEILINGS_MV[rail] if rail in _ROLE_CEILINGS_MV else _CEILINGS_MV[rail]


def _ceiling_of(name: str, role: str, chip: str) -> int:
    """A rail that the helper knows by its name is that rail, whatever a job calls it."""
    ceiling = ceiling_mv(role, chip)
    return min(ceiling, ceiling_mv(name, chip)) if name in _CEILINGS_MV else ceiling


def _read_profile(rails: Fields, chip: str) -> tuple[dict[str, tuple[int, int, int]], dict[str, str]]:
    """({rail: (low, high, danger)}, {role: rail}) of the job's "board.rails"."""
    found = {}
    roles: dict[str, str] = {}
    for name in rails.names():
        rail = rails.object(name)
        role = rail.choice("role", (INPUT, BETWEEN, LOGIC, CORE, OTHER))
        ceiling = _ceiling_of(name, role, chip)
        low_mv, high_mv = rail.number("low_mv", 0, ceiling), rail.number("high_mv", 0, ceiling)
        found[name] = (low_mv, high_mv, rail.number("danger_mv", 0, ceiling))
        rail.end()
        if not 0 < len(name) <= _LONGEST_NAME or not all("!" <= char <= "~" for char in name):
            raise bad(
                rails.path(quoted(name)[1:-1]), "is no name", "give it 1 to %d letters and digits" % _LONGEST_NAME
            )
        if role in roles:
            raise bad(rail.path("role"), "is %s, as that of %s" % (role, roles[role]), "one rail of each but other")
        if role != OTHER:
            roles[role] = name
    if LOGIC not in roles or len(found) > _MAX_RAILS:
        message = "needs 1 to %d rails, one of them with the role logic" % _MAX_RAILS
        raise bad("board.rails", message, "name the supply of the chip's pins")
    return found, roles


def read_limits(fields: Fields, chip: str = "", profile: "Fields | None" = None) -> Limits:
    """Limits from the job's "limits" object; an empty object gives the defaults. Raises `JobError`.

    profile: the job's "board.rails", the rails of another board than the default one.
    """
    nominal, roles = (_WINDOWS_MV, DEFAULT_ROLES) if profile is None else _read_profile(profile, chip)
    numbers = {}
    for name, (default, low, high) in _NUMBERS.items():
        numbers[name] = fields.number(name, low, high, default)
    rails: dict[str, Window] = {}
    # What a job does not speak of is not judged; but no job lifts a limit by silence.
    unnamed = {name: ceiling_mv(name, chip) for name in RAIL_NAMES if name not in nominal}
    windows = fields.object("rails", default_empty=True)
    limits = Limits(numbers, rails, roles, unnamed)
    for name in nominal:
        window, default_window = windows.object(name, default_empty=True), nominal[name]
        ceiling = _ceiling_of(name, name if profile is None else limits.role_of(name), chip)
        low_mv = window.number("low_mv", 0, ceiling, default_window[0])
        high_mv = window.number("high_mv", 0, ceiling, default_window[1])
        danger_mv = window.number("danger_mv", 0, ceiling, default_window[2])
        window.end()
        if not low_mv <= high_mv <= danger_mv:
            raise bad(windows.path(name), "limits are out of order", "keep low_mv <= high_mv <= danger_mv")
        rails[name] = Window(low_mv, high_mv, danger_mv)
    windows.end()
    if numbers["trip_ma"] < numbers["supply_ma"]:
        raise bad(
            fields.path("trip_ma"),
            "%d mA is below supply_ma, %d mA" % (numbers["trip_ma"], numbers["supply_ma"]),
            "a unit that takes what the supply may give would be cut off: keep trip_ma above it",
        )
    fields.end()
    return limits


def default_limits() -> Limits:
    """The limits of a job that names none; also what the helper uses while it has no job."""
    return read_limits(Fields({}, "limits"))
