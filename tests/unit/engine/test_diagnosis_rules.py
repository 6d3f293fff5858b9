"""Every rule of the diagnosis, from an evidence dict alone: what a person would call the fault, and why."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.diagnosis import (  # noqa: E402
    rules_behaviour,
    rules_chip,
    rules_contact,
    rules_firmware,
    rules_open,
    rules_start,
    rules_supply,
    rules_trip,
    whose,
)
from rescue.engine.diagnosis.diagnose import diagnose as diagnose_it  # noqa: E402
from rescuelink import distinguishing  # noqa: E402
from rescuelink.diagnoses import all_causes  # noqa: E402
from rescuelink.outcomes import OUTCOMES  # noqa: E402

_WORDS = (
    "add name, sentence, next step and outcome to TABLE of shared/rescuelink/causes_*.py of the rule's group, "
    "and for the display cause.NAME and do.NAME to each of device/words/*.txt"
)


def diagnose(evidence: Any) -> Any:
    """As the agent does; where words are missing, a failure that says where they belong."""
    try:
        return diagnose_it(evidence)
    except KeyError as missing:
        named = {cause.name for cause in all_causes()}
        where = "say in TABLE of shared/rescuelink/distinguishing.py how to tell it from what it could also be"
        pytest.fail(f"{missing}: {where if missing.args[0] in named else _WORDS}")


Evidence = dict[str, Any]
SECTOR = 0x20000


def rail(mv: int, low: int | None = None, high: int | None = None) -> dict[str, int]:
    return {"mv": mv, "min_mv": mv if low is None else low, "max_mv": mv if high is None else high}


def sectors(*states: str) -> list[dict[str, Any]]:
    """Sector 7 is not the job's; a torn one has one torn word in its middle."""
    return [
        {
            "index": index,
            "address": 0x08000000 + index * SECTOR,
            "size": SECTOR,
            "state": state,
            "owned": index < 2,
            "torn": [0x08000000 + index * SECTOR + 0x4000] if state == "torn" else [],
        }
        for index, state in enumerate(states)
    ]


def good_unit() -> Evidence:
    """A unit that runs the job's image."""
    return {
        "expected": {
            "chip": "STM32H725",
            "dev_id": 0x483,
            "flash_kib": 1024,
            "boot_address": 0x08000000,
            "flash": [0x08000000, 0x08100000],
            "min_clock_hz": 0,
            "roles": {"input": "bplus", "between": "v12", "logic": "v3v3", "core": "vcap"},
            "rails": {
                "bplus": [15000, 24000],
                "v12": [10800, 13200],
                "v5iso": [4500, 6500],
                "v3v3": [3135, 3465],
                "vcap": [940, 1400],
            },
        },
        "rails": {
            "off": {},
            "on": {
                "bplus": rail(18000),
                "v12": rail(12000),
                "v5iso": rail(5000),
                "v3v3": rail(3300),
                "vcap": rail(1000),
            },
            "trip": None,
            "ma": 60,
        },
        "nrst": {"level": 1, "edges": 0, "window_ms": 100},
        "swd": {
            "how": "attach",
            "hz": 4_000_000,
            "tries": [{"how": "attach", "hz": 1_000_000, "result": "ok"}],
            "dpidr": 0x6BA02477,
            "aps": {},
        },
        "chip": {"dev_id": 0x483, "rev_id": 0x1001, "flash_kib": 1024, "uid": "00", "name": "STM32H725"},
        "reset_cause": {"raw": 0x00FA0000, "flags": ["POR"]},
        "options": {"rdp": 0, "optsr": 0x0306AAD0, "boot_add0": 0x08000000, "boot_add1": 0x1FF00000, "wrp_sectors": []},
        "core": {"state": "running", "pc_samples": [0x08000400, 0x08000402], "clock_hz": 400_000_000, "cfsr": 0},
        "vectors": {"sp": 0x20020000, "pc": 0x08000401, "valid": True},
        "sectors": sectors("match", "match", "blank", "blank", "blank", "blank", "blank", "unknown"),
    }


def trip(kind: str, name: str, mv: int = 0) -> dict[str, Any]:
    return {"kind": kind, "rail": name, "mv": mv, "limit": 150, "ms": 25, "ma": 150}


def tripped(kind: str, name: str) -> Callable[[Evidence], None]:
    return lambda e: e["rails"].update(trip=trip(kind, name))


def reads(name: str, mv: int, low: int | None = None, high: int | None = None) -> Callable[[Evidence], None]:
    return lambda e: e["rails"]["on"].update({name: rail(mv, low, high)})


def no_12v(mv: int) -> Callable[[Evidence], None]:
    """Nothing is made of it."""
    return both(
        reads("v12", mv), reads("v5iso", 2), reads("v3v3", 2), reads("vcap", 1), lambda e: e["nrst"].update(level=0)
    )


def no_3v3(evidence: Evidence) -> None:
    """Nothing pulls NRST up, and VCAP has no source."""
    both(reads("v3v3", 10), reads("vcap", 5), lambda e: e["nrst"].update(level=0))(evidence)


def held_button(mv: int, ma: int) -> Callable[[Evidence], None]:
    """12 V, dead, was looked at with the unit's button held."""
    button = {"by": "found", "rail": "v12", "before_mv": 1, "mv": mv, "ma": ma}
    return both(no_12v(1), lambda e: e["rails"].update(button=button, ma=0))


def silent(*results: str) -> Callable[[Evidence], None]:
    return lambda e: e["swd"].update(how=None, tries=[{"how": "attach", "hz": 1_000_000, "result": r} for r in results])


def wired(swdio: str, swclk: str) -> Callable[[Evidence], None]:
    """What weak pulls have shown; where that is wrong, nothing was tried on the wires."""
    return lambda e: e.update(wiring={"swdio": swdio, "swclk": swclk})


def in_system_memory(evidence: Evidence) -> None:
    evidence["core"].update(pc_samples=[0x1FF0A000, 0x1FF0A004], activity=None)


def swapped_banks(start: str, pc: int) -> Callable[[Evidence], None]:
    """What the start of the flash holds, and where the other bank's reset vector points to."""

    def change(evidence: Evidence) -> None:
        holds(start, "match", *BLANK_REST)(evidence)
        evidence["options"]["swap_bank"] = True
        evidence["other_bank"] = {"address": 0x0808_0000, "sp": 0x2002_0000, "pc": pc, "valid": True}
        if start != "match":
            evidence["core"].update(state="lockup", pc_samples=[0xFFFFFFFE])

    return change


def latching(evidence: Evidence) -> None:
    evidence["wiring"]["latches"] = True


def unseen(*names: str) -> Callable[[Evidence], None]:
    """The helper has no wire to those rails, or to NRST."""

    def change(evidence: Evidence) -> None:
        evidence["unseen"] = evidence.get("unseen", []) + list(names)
        for name in names:
            evidence.pop(name, None)
            evidence["rails"]["on"].pop(name, None)

    return change


def not_tried(evidence: Evidence) -> None:
    """Nothing has shown that the chip has its supply, so that no wire was driven."""
    for name in ("swd", "core", "sectors", "chip", "options", "vectors", "reset_cause"):
        evidence.pop(name)


def other_family(core: str) -> Callable[[Evidence], None]:
    aps = {"0": 0x54770002, "1": 0x84770001, "2": 0}
    return both(
        silent("other_family"),
        lambda e: e["swd"].update(family={"dpidr": 0x6BA02477, "aps": aps, "core": core}),
        lambda e: e.pop("core"),
        lambda e: e.pop("sectors"),
    )


def bootloader(flag: int, pc: int) -> Callable[[Evidence], None]:
    found = {"address": 0x080C0000, "end": 0x080E0000, "flag_address": 0x080A0000, "flag": flag, "set": 0xB007F1A6}
    return lambda e: e.update(bootloader=found) or e["core"].update(pc_samples=[pc, pc + 2])


def holds(*states: str) -> Callable[[Evidence], None]:
    return lambda e: e.update(sectors=sectors(*states))


def other_parts(count: int, span: int) -> Callable[[Evidence], None]:
    return lambda e: e["sectors"][0].update(other_parts=[count, span])


def active(**changes: Any) -> Callable[[Evidence], None]:
    """What the core was seen to do over time; plainly at work where nothing else is said."""
    seen = {
        "ms": 40,
        "samples": 400,
        "asleep": 0,
        "low": 0x08000400,
        "high": 0x08004000,
        "places": 30,
        "resets": 0,
        "exceptions": [0],
        "entries": False,
        "armed": False,
        **changes,
    }
    return lambda e: e["core"].update(activity=seen)


def loops(places: int, **changes: Any) -> Callable[[Evidence], None]:
    end = 0x08000400 + 2 * (places - 1)
    return active(ms=1500, places=places, high=end, **{"armed": True, **changes})


def sleeps(armed: bool) -> Callable[[Evidence], None]:
    asleep = active(ms=500, asleep=400, low=None, high=None, places=0, armed=armed)
    return both(lambda e: e["core"].update(state="sleeping", pc_samples=[0xFFFFFFFF]), asleep)


def clocked(*missing: str) -> Callable[[Evidence], None]:
    found: dict[str, Any] = {
        "cr": 0x00010025,
        "cfgr": 0,
        "pllckselr": 0x02020200,
        "pllcfgr": 0x01FF0000,
        "bypass": False,
    }
    found.update({"missing": list(missing), "source": "HSI"})
    return lambda e: (e["core"].get("activity") or active()(e), e.update(clocks=found))


def bitten(edges: int) -> Callable[[Evidence], None]:
    return lambda e: e.update(
        watchdog={"period_ms": 512, "set": False},
        reset_cause={"raw": 1 << 26, "flags": ["IWDG1RSTF"]},
        nrst={"level": 1, "edges": edges, "window_ms": 1350},
    )


def hardware_watchdog(e: Evidence) -> None:
    e["options"]["iwdg_hardware"] = True


def both(*changes: Callable[[Evidence], None]) -> Callable[[Evidence], None]:
    def change(evidence: Evidence) -> None:
        for each in changes:
            each(evidence)

    return change


def cut_between_words(evidence: Evidence) -> None:
    holds("match", "differs", "blank", "unknown")(evidence)
    evidence["sectors"][1].update(prefix=0x8000, rest_blank=True)


def faults_in_its_handler(evidence: Evidence) -> None:
    evidence["core"].update(exception=3, flags=["PRECISERR", "FORCED"], bfar=0xA0000000)


def answers_only_by(how: str) -> Callable[[Evidence], None]:
    tries = [{"how": "attach", "hz": 1_000_000, "result": "no_ack"}, {"how": how, "hz": 1_000_000, "result": "ok"}]
    return both(lambda e: e["swd"].update(how=how, tries=tries), lambda e: e.pop("core"))


OTHER_FIRMWARE = ("differs", "differs", "blank", "blank", "blank", "blank", "blank", "unknown")


def version(found: str, wanted: str) -> Callable[[Evidence], None]:
    return lambda e: e.update(version={"address": 0x08000408, "found": found, "wanted": wanted})


def marked(found: str, text: str = "") -> Callable[[Evidence], None]:
    marker = {"found": found, "address": 0x08000400, "text": text, "wanted": "PACE-P16S100A"}
    return lambda e: e.update(marker=marker)


NO_FLAG = {"flag_address": None, "flag": None, "set": None}


def in_front(valid: bool | None, pc: int) -> Callable[[Evidence], None]:
    """The application lies at 0x08020000, the option bytes start what lies at 0x08000000."""

    def change(evidence: Evidence) -> None:
        evidence["expected"].update(boot_address=0x08020000, start=0x08020000)
        evidence["options"].update(boot_add0=0x08000000)
        evidence["bootloader"] = {"address": 0x08000000, "end": 0x08020000, "valid": valid, **NO_FLAG}
        evidence["core"]["pc_samples"] = [pc + 2 * step for step in range(16)]

    return change


def closed(kind: str) -> Callable[[Evidence], None]:
    return lambda e: e["options"].update({kind: [[0, 0x1FFFF]]})


def protected(evidence: Evidence) -> None:
    evidence["options"].update(wrp_sectors=[0, 1])


BLANK_REST = ("blank", "blank", "blank", "blank", "blank", "unknown")


def no_job(*changes: Callable[[Evidence], None]) -> Callable[[Evidence], None]:
    """The same unit, looked at without a job: no sector is anybody's, and what the flash holds has been read."""
    tables = [{"address": 0x08000000, "sp": 0x20020000, "pc": 0x08000401}]

    def change(evidence: Evidence) -> None:
        both(holds("unknown", "unknown", *BLANK_REST))(evidence)
        evidence["firmware"] = {"starts": tables, "texts": [[0x08000400, "BMSIMAGE1.2.0"]]}
        both(*changes)(evidence)
        evidence["expected"]["open"] = True
        for sector in evidence.get("sectors") or ():
            sector["owned"] = False

    return change


def starts_nowhere(evidence: Evidence) -> None:
    evidence["vectors"] = {"sp": 0xFFFFFFFF, "pc": 0xFFFFFFFF, "valid": False}
    evidence["firmware"]["starts"] = []


def starts_outside(evidence: Evidence) -> None:
    evidence["expected"]["boot_address"] = 0x24000000
    evidence["vectors"] = None


CASES: list[tuple[str, str, Callable[[Evidence], None]]] = [
    ("no job: an erased chip", "flash-blank", no_job(holds(*["blank"] * 8))),
    ("no job: torn words", "half-written", no_job(holds("unknown", "torn", *BLANK_REST))),
    ("no job: a closed start", "start-closed", no_job(holds("protected", "unknown", *BLANK_REST), starts_nowhere)),
    ("no job: the start erased", "start-erased", no_job(holds("blank", "unknown", *BLANK_REST), starts_nowhere)),
    ("no job: no vectors", "start-wrong", no_job(starts_nowhere)),
    ("no job: a start outside the flash", "start-wrong", no_job(starts_outside)),
    ("no job: in the ROM", "in-rom", no_job(lambda e: e["core"].update(pc_samples=[0x1FF09900] * 4))),
    ("no job: a dead crystal", "waits-for-crystal", no_job(loops(places=4), clocked("HSE"))),
    ("no job: bitten again and again", "firmware-resets", no_job(bitten(3))),
    ("no job: reset by somebody else", "firmware-resets", no_job(lambda e: e["nrst"].update(edges=9))),
    ("no job: in a fault handler", "firmware-crashes", no_job(faults_in_its_handler)),
    ("no job: answers under reset", "firmware-hides", no_job(answers_only_by("under-reset"))),
    ("no job: a loop of four instructions", "firmware-stuck", no_job(loops(places=4))),
    ("no job: a unit at work", "firmware-runs", no_job()),
    ("no job: nothing of the flash is known", "undecided", no_job(lambda e: e.pop("sectors"))),
    ("3.3 V up with the power off", "backfeed", tripped("backfeed", "v3v3")),
    ("VCAP above its danger limit", "over-voltage", tripped("over-voltage", "vcap")),
    ("at the current limit without 3.3 V", "short-3v3", tripped("short", "v3v3")),
    ("at the current limit without 12 V", "short-12v", tripped("short", "v12")),
    ("at the current limit without anything", "short-input", tripped("short", "bplus")),
    ("too much current", "over-current", tripped("over-current", "bplus")),
    ("3.3 V dips during work", "brown-out", tripped("brown-out", "v3v3")),
    (
        "the image is there, and over a disturbed wire nobody could read its clocks",
        "swd-unstable",
        lambda e: (e["swd"].update(disturbed=5), e.update(unreadable={"clocks": "fault"})),
    ),
    (
        "3.3 V goes away again and again, with nobody at work, too",
        "brown-out",
        both(tripped("brown-out", "v3v3"), lambda e: e.update(silent={"rail": "v3v3", "ms": 3000})),
    ),
    ("nothing arrives", "no-supply", both(no_12v(1), both(reads("bplus", 40), reads("v12", 0), reads("v3v3", 0)))),
    (
        "12 V fine, 3.3 V pulled down, current high",
        "short-3v3",
        both(reads("v3v3", 90), lambda e: e["rails"].update(ma=120)),
    ),
    ("supply set to 9 V", "low-supply", both(reads("bplus", 9000), no_12v(0))),
    (
        "supply fine, 12 V pulled down, current high",
        "short-12v",
        both(no_12v(800), lambda e: e["rails"].update(ma=124)),
    ),
    ("no 12 V", "no-12v", no_12v(20)),
    ("no 12 V, and no wire to B+", "no-12v", both(no_12v(20), unseen("bplus"))),
    (
        "a low input into which much flows",
        "low-supply",
        both(
            reads("bplus", 14_000, 13_000, 15_000),
            reads("v12", 8000, 6000, 10_000),
            lambda e: e["rails"].update(ma=150),
        ),
    ),
    ("no 12 V, and nobody to hold the button", "not-on", both(no_12v(20), unseen("v3v3", "unit_button"))),
    ("12 V that a button brings to nothing", "no-12v", held_button(3, 20)),
    ("12 V held down while a button is held", "short-12v", held_button(450, 20)),
    ("12 V shorted to nothing while a button is held", "short-12v", held_button(40, 320)),
    ("no 3.3 V, and no wire to 12 V", "no-3v3", both(no_3v3, unseen("v12"))),
    (
        "no 3.3 V, and no wire to NRST or 12 V",
        "no-3v3",
        both(reads("v3v3", 2), reads("vcap", 1), unseen("v12", "nrst")),
    ),
    (
        "no wire to 3.3 V, and no line is held by the chip",
        "unpowered",
        both(
            unseen("bplus", "v12", "v3v3", "vcap"), wired("low", "low"), not_tried, lambda e: e["nrst"].update(level=0)
        ),
    ),
    (
        "no answer, and next to nothing was seen",
        "no-swd",
        both(silent("no_ack"), unseen("bplus", "v12", "v3v3", "vcap", "nrst", "pulls", "power")),
    ),
    ("3.3 V that is not seen, and firmware that takes VCAP away", "no-vtref", both(reads("v3v3", 2), reads("vcap", 1))),
    ("a Cortex-M33 with the same DPIDR", "wrong-target", other_family("Cortex-M33")),
    ("SWDIO between the levels, SWCLK pulled up", "swapped-swd", both(silent("protocol"), wired("open", "high"))),
    ("12 V at 9.7 V, and the isolated 5 V as low", "low-12v", both(reads("v12", 9700), reads("v5iso", 4100))),
    ("12 V at 9.7 V, and nobody sees what is made of it", "low-12v", both(reads("v12", 9700), unseen("v3v3", "vcap"))),
    ("12 V at 0 V, and 3.3 V good", "sense-out", reads("v12", 0)),
    ("12 V at half, and the isolated 5 V good", "sense-out", reads("v12", 6000)),
    ("12 V at half, and no isolated 5 V seen", "sense-out", both(reads("v12", 6000), unseen("v5iso"))),
    ("12 V at 14.8 V, and the isolated 5 V good", "sense-out", reads("v12", 14800)),
    ("12 V at 0 V, no wire to 3.3 V, and VCAP good", "sense-out", both(reads("v12", 0), unseen("v3v3"))),
    ("B+ at 0 V, and 12 V good", "sense-out", reads("bplus", 0)),
    ("12 V at 0 V under a chip that answers", "sense-out", both(reads("v12", 0), unseen("v5iso", "v3v3", "vcap"))),
    (
        "B+ at 0 V, no other rail seen, and a chip that answers",
        "sense-out",
        both(reads("bplus", 0), unseen("v12", "v5iso", "v3v3", "vcap")),
    ),
    (
        "12 V at 0 V, nothing behind it seen, and nobody answers",
        "no-12v",
        both(reads("v12", 0), unseen("v5iso", "v3v3", "vcap"), silent("no_ack")),
    ),
    ("B+ at 9 V, and 3.3 V good", "sense-out", both(reads("bplus", 9000), unseen("v12"))),
    (
        "no 12 V, and 3.3 V that somebody else feeds",
        "no-12v",
        both(reads("v12", 0), unseen("power")),
    ),
    ("12 V at 14 V, and the isolated 5 V as high", "high-12v", both(reads("v12", 14000), reads("v5iso", 6700))),
    ("no 3.3 V", "no-3v3", no_3v3),
    ("3.3 V at 2.9 V", "low-3v3", reads("v3v3", 2900)),
    ("3.3 V too high", "low-3v3", reads("v3v3", 3550)),
    ("3.3 V unsteady", "unsteady-3v3", reads("v3v3", 3300, 3200, 3400)),
    ("VCAP came and went", "supply-config", both(reads("vcap", 300, 40, 1000), silent("no_ack"))),
    ("VCAP dead, SWD silent", "no-vcap", both(reads("vcap", 30), silent("no_ack"))),
    ("NRST low for good", "held-in-reset", lambda e: e["nrst"].update(level=0)),
    ("no answer on any rung", "no-swd", silent("no_ack", "no_ack")),
    ("answers that make no sense", "swd-unstable", silent("parity", "no_ack")),
    (
        "reset again and again, SWD cut each time",
        "reset-loop",
        both(lambda e: e["nrst"].update(edges=5), lambda e: e["swd"].update(error="the chip refused the access")),
    ),
    ("identified, then silent", "swd-unstable", lambda e: e["swd"].update(error="nobody answered")),
    ("another chip", "wrong-target", lambda e: e["chip"].update(dev_id=0x450)),
    ("a job for one chip only", "wrong-target", lambda e: e["expected"].update(uid="0" * 24)),
    ("another flash size", "wrong-target", lambda e: e["chip"].update(flash_kib=512)),
    ("RDP level 1", "rdp1", lambda e: e["options"].update(rdp=1, optsr=0x179E55F0)),
    (
        "RDP level 1 after a cut of ours",
        "options-cut",
        lambda e: e["options"].update(rdp=1, optsr=0x179E00F0) or e.update(options_cut="options"),
    ),
    ("RDP level 2", "rdp2", lambda e: e["options"].update(rdp=2, optsr=0x179ECCF0)),
    ("SECURITY set", "secure", lambda e: e["options"].update(optsr=0x17BEAAF0)),
    (
        "a wrong sector is write-protected",
        "wrp",
        both(holds("match", "differs", *BLANK_REST), lambda e: e["options"].update(wrp_sectors=[1])),
    ),
    ("the application is erased", "blank", holds("blank", "blank", *BLANK_REST)),
    ("a torn word in the image", "interrupted-program", holds("match", "torn", *BLANK_REST)),
    ("the first sector is erased", "update-cut", holds("blank", "differs", *BLANK_REST)),
    ("the image, then nothing", "interrupted-program", cut_between_words),
    (
        "nonsense vectors",
        "bad-vectors",
        both(
            holds("differs", "match", *BLANK_REST),
            lambda e: e.update(vectors={"sp": 0xFFFFFFFF, "pc": 0x12345678, "valid": False}),
        ),
    ),
    (
        "one that nobody knows, and a torn word of its data in the same sector",
        "unknown-application",
        both(holds("torn", "differs", *BLANK_REST), lambda e: e["sectors"][0].update(torn_ours=0, rest="differs")),
    ),
    (
        "the image, and a torn word of the unit's data in the same sector",
        "interrupted-program",
        both(holds("torn", "match", *BLANK_REST), lambda e: e["sectors"][0].update(torn_ours=0, rest="match")),
    ),
    ("an application that runs and that nobody knows", "unknown-application", holds("differs", "differs", *BLANK_REST)),
    ("another part of the image", "differs", holds("match", "differs", *BLANK_REST)),
    ("another build of the product", "differs", both(holds(*OTHER_FIRMWARE), marked("ours"))),
    ("another product", "other-product", both(holds(*OTHER_FIRMWARE), marked("other", "PACE-P16S200B"))),
    (
        "another product in part",
        "other-product",
        both(holds("torn", "differs", *BLANK_REST), marked("other", "SISTER")),
    ),
    (
        "a digest that is not ours, on a damaged unit",
        "update-cut",
        both(holds("blank", "differs", *BLANK_REST), marked("other")),
    ),
    (
        "a digest that is not ours, on a unit that is whole",
        "other-product",
        both(holds(*OTHER_FIRMWARE), marked("other")),
    ),
    (
        "another product, write-protected",
        "other-product",
        both(holds(*OTHER_FIRMWARE), marked("other", "SISTER"), protected),
    ),
    ("a damaged marker", "blank", both(holds("blank", "blank", *BLANK_REST), marked("none"))),
    (
        "a torn word in the calibration",
        "torn-data",
        holds("match", "match", "blank", "blank", "blank", "blank", "blank", "torn"),
    ),
    (
        "a torn word in the calibration of a unit whose BOOT0 is high",
        "boot0-high",
        both(holds("match", "match", "blank", "blank", "blank", "blank", "blank", "torn"), in_system_memory),
    ),
    ("a rewrite of the unit's own data that was cut", "cure-cut", lambda e: e.update(unfinished=7)),
    ("NRST that cannot be pulled low", "stuck-nrst", lambda e: e.update(wiring={"nrst": False})),
    ("NRST that cannot be pulled low to connect", "stuck-nrst", silent("no_ack", "nrst")),
    ("nothing but zeros on SWDIO", "swdio-low", silent("protocol", "protocol")),
    ("SWDIO and SWCLK exchanged", "swapped-swd", both(silent(), wired("low", "high"))),
    ("nothing at the other end of SWDIO", "open-swd", both(silent(), wired("open", "low"))),
    ("nothing at the other end of SWCLK", "open-swd", both(silent(), wired("high", "open"))),
    ("SWDIO held low", "swdio-low", both(silent(), wired("low", "low"))),
    (
        "nothing at the other end of SWDIO, and SWCLK pulled up on the board",
        "open-swd",
        both(silent("no_ack"), wired("open", "high")),
    ),
    (
        "running firmware and never an answer, seen by pads that hold themselves high",
        "no-swd",
        both(silent("no_ack"), wired("high", "low"), latching, reads("vcap", 1200)),
    ),
    (
        "good wires, running firmware, and never an answer",
        "rdp2",
        both(silent("no_ack"), wired("high", "low"), reads("vcap", 1200)),
    ),
    (
        "good wires, never an answer, no sign of firmware",
        "no-swd",
        both(silent("no_ack"), wired("high", "low")),
    ),
    ("no 3.3 V to be seen, but the chip lives", "no-vtref", reads("v3v3", 0)),
    (
        "read protection just removed",
        "rdp1-removed",
        both(
            holds("blank", "blank", "blank", "blank", "blank", "blank", "blank", "blank"),
            lambda e: e.update(regressed=True),
        ),
    ),
    (
        "option bytes that are not golden",
        "option-corruption",
        lambda e: (
            e["expected"].update(options=[["optsr", 0x10, 0x10], ["boot", 0x1FF00800, 0xFFFFFFFF]])
            or e["options"].update(optsr=0x179EAAE0, boot=0x1FF00800)
        ),
    ),
    (
        "a latch that does not let go",
        "latch-shorted",
        lambda e: e.update(latch={"pin": "PB5", "mv": 11990, "fell": False, "ms": 500}),
    ),
    (
        "3.3 V goes away by itself, the firmware in order",
        "afe-watchdog",
        lambda e: e.update(watch={"s": 60, "dropped": {"rail": "v3v3", "s": 31}}),
    ),
    (
        "3.3 V goes away by itself, and there is something to write",
        "update-cut",
        both(holds("blank", "match", *BLANK_REST), lambda e: e.update(watch={"dropped": {"rail": "v3v3", "s": 31}})),
    ),
    ("the vendor's bootloader waits, its flag set", "bootloader-waiting", bootloader(0xB007F1A6, 0x080C0110)),
    ("the vendor's bootloader waits for another reason", "bootloader-waiting", bootloader(0xFFFFFFFF, 0x080C0110)),
    ("the vendor's bootloader has started the application", "healthy", bootloader(0xFFFFFFFF, 0x08000400)),
    ("an application behind a bootloader", "healthy", in_front(True, 0x08020400)),
    ("a bootloader that never starts the application", "bootloader-waiting", in_front(True, 0x08000400)),
    ("a bootloader that nobody may read", "healthy", in_front(None, 0x08020400)),
    ("a bootloader that is erased", "bootloader-damaged", in_front(False, 0x08020400)),
    (
        "a boot address at erased flash behind the application",
        "wrong-boot-address",
        lambda e: (
            e["options"].update(boot_add0=0x080C0000)
            or e.update(bootloader={"address": 0x080C0000, "end": 0x08100000, "valid": False, **NO_FLAG})
        ),
    ),
    (
        "a boot address in RAM, and other firmware that is whole",
        "wrong-boot-address",
        both(holds(*OTHER_FIRMWARE), lambda e: e["options"].update(boot_add0=0x24000000)),
    ),
    ("the job's sectors execute-only", "pcrop", both(holds("protected", "protected", *BLANK_REST), closed("pcrop"))),
    ("execute-only and erased beside it", "pcrop", both(holds("protected", "blank", *BLANK_REST), closed("pcrop"))),
    (
        "an execute-only area beside the job's sectors",
        "healthy",
        both(
            holds("match", "match", "blank", "blank", "blank", "blank", "blank", "protected"),
            lambda e: e["options"].update(pcrop=[[0xE0000, 0xFFFFF]]),
        ),
    ),
    (
        "RDP level 1 and an execute-only area",
        "pcrop",
        lambda e: e["options"].update(rdp=1, optsr=0x179E55F0, pcrop=[[0, 0xFFFFF]]),
    ),
    ("a secure-only area", "secure-area", both(holds("protected", "match", *BLANK_REST), closed("secure_area"))),
    ("something newer on it", "newer-firmware", both(holds(*OTHER_FIRMWARE), version("1.10.0", "1.9.2"))),
    ("something older on it", "older-firmware", both(holds(*OTHER_FIRMWARE), version("1.9.2", "1.10.0"))),
    (
        "an older build of the product",
        "differs",
        both(holds(*OTHER_FIRMWARE), version("1.9.2", "1.10.0"), marked("ours")),
    ),
    (
        "something with an odd version on it",
        "unknown-application",
        both(holds(*OTHER_FIRMWARE), version("v2-rc", "1.10.0")),
    ),
    ("something that crashes on it", "crashed", both(holds(*OTHER_FIRMWARE), faults_in_its_handler)),
    ("the image on it crashes", "lockup", faults_in_its_handler),
    (
        "something that is bitten by the watchdog on it",
        "watchdog-loop",
        both(holds(*OTHER_FIRMWARE), lambda e: e["reset_cause"].update(flags=["IWDG1RSTF"])),
    ),
    (
        "something that takes the core supply away on it",
        "wrong-supply",
        both(holds(*OTHER_FIRMWARE), reads("vcap", 20), answers_only_by("boot0")),
    ),
    (
        "the image takes the core supply away",
        "supply-config",
        both(reads("vcap", 20), answers_only_by("power-cycle-under-reset")),
    ),
    (
        "something that hides from the debugger on it",
        "unknown-application",
        both(holds(*OTHER_FIRMWARE), answers_only_by("under-reset")),
    ),
    (
        "something that hides from the debugger, with a part of the image",
        "silent-firmware",
        both(holds("differs", "match", *BLANK_REST), answers_only_by("under-reset")),
    ),
    (
        "something that hides from the debugger, equal to the image but for one place",
        "silent-firmware",
        both(holds(*OTHER_FIRMWARE), answers_only_by("under-reset"), other_parts(2, 2)),
    ),
    (
        "something that hides from the debugger, equal to the image but for two places",
        "unknown-application",
        both(holds(*OTHER_FIRMWARE), answers_only_by("under-reset"), other_parts(2, 40)),
    ),
    (
        "wrong bytes across the marker, all else the image",
        "silent-firmware",
        both(holds(*OTHER_FIRMWARE), answers_only_by("under-reset"), marked("other"), other_parts(3, 3)),
    ),
    (
        "something that runs, equal to the image but for one place",
        "unknown-application",
        both(holds(*OTHER_FIRMWARE), other_parts(1, 1)),
    ),
    (
        "erased, while a supervisor resets it",
        "reset-loop",
        both(holds("blank", "blank", *BLANK_REST), lambda e: e["nrst"].update(edges=6, window_ms=1500)),
    ),
    ("the image hides from the debugger", "quiet", answers_only_by("under-reset")),
    ("swapped banks, and calibration where the chip starts", "banks-swapped", swapped_banks("differs", 0x0800_0401)),
    ("swapped banks, and nothing where the chip starts", "banks-swapped", swapped_banks("blank", 0x0800_0401)),
    (
        "swapped banks, the firmware erased, and calibration where the chip starts",
        "banks-swapped",
        both(
            swapped_banks("differs", 0xFFFFFFFF),
            lambda e: e["other_bank"].update(valid=False),
            lambda e: e.update(vectors={"sp": 0x09E609D7, "pc": 0x0A0509F5, "valid": False}),
        ),
    ),
    ("swapped banks, and the other bank's own program", "update-cut", swapped_banks("blank", 0x0808_0401)),
    ("swapped banks, and the image where the chip starts", "healthy", swapped_banks("match", 0x0800_0401)),
    ("boot address changed", "wrong-boot-address", lambda e: e["options"].update(boot_add0=0x1FF00000)),
    ("resets itself again and again", "reset-loop", lambda e: e["nrst"].update(edges=7)),
    ("reset in the map again", "reset-loop", lambda e: e["nrst"].update(later={"edges": 3, "period_ms": 800})),
    ("image there, core locked up", "lockup", lambda e: e["core"].update(state="lockup", pc_samples=[0xFFFFFFFE])),
    ("image there, core in ROM", "boot0-high", lambda e: e["core"].update(pc_samples=[0x1FF09900])),
    ("image there, core in RAM", "not-running", lambda e: e["core"].update(pc_samples=[0x24000100])),
    ("a dead crystal that the firmware waits for", "no-crystal", both(loops(places=4), clocked("HSE"))),
    ("a dead crystal that the firmware does without", "no-crystal", clocked("HSE")),
    ("a dead crystal, and an error handler", "no-crystal", both(loops(places=1), clocked("HSE", "PLL1"))),
    ("one address for ever", "not-running", loops(places=1)),
    ("an interrupt's handler for ever", "not-running", loops(places=1, exceptions=[55])),
    ("asleep, and nothing can wake it", "not-running", sleeps(armed=False)),
    ("asleep, with an alarm set", "healthy", sleeps(armed=True)),
    ("an idle loop of two instructions under interrupts", "healthy", loops(places=2, entries=True)),
    ("reset while it was watched", "not-running", active(resets=2)),
    ("a watchdog of the option bytes that bites", "watchdog-unfed", both(bitten(2), hardware_watchdog)),
    ("a watchdog of the option bytes that has bitten", "watchdog-unfed", both(bitten(0), hardware_watchdog)),
    ("a watchdog of the firmware that bites", "watchdog-unfed", bitten(1)),
    ("a watchdog has bitten once, on the way up", "healthy", bitten(0)),
    ("a core that answers on 0.6 V", "vcap-out", both(active(), reads("vcap", 599))),
    ("a core that sleeps, on nothing", "vcap-out", both(active(asleep=400, armed=True), reads("vcap", 3))),
    ("a core that sleeps on less", "healthy", both(active(asleep=400, armed=True, entries=True), reads("vcap", 740))),
    ("a core that answers on too much", "vcap-out", both(active(), reads("vcap", 1430))),
    (
        "a core that answers in reset halt, with no VCAP read",
        "vcap-out",
        both(
            reads("vcap", 3), answers_only_by("power-cycle-under-reset"), lambda e: e["rails"].update(reset_vcap_mv=2)
        ),
    ),
    (
        "the image is there, and a power cycle alone makes the chip answer",
        "swd-unstable",
        answers_only_by("power-cycle-under-reset"),
    ),
    ("a core that sleeps on less", "healthy", both(sleeps(armed=True), reads("vcap", 740))),
    ("no isolated 5 V", "v5iso-out", reads("v5iso", 20)),
    ("image there, clock too slow", "not-running", lambda e: e["expected"].update(min_clock_hz=500_000_000)),
    ("image there, core asleep", "healthy", lambda e: e["core"].update(state="sleeping", pc_samples=[0xFFFFFFFF])),
    ("all as it should be", "healthy", lambda e: None),
    (
        "in its fault handler, and nothing was compared",
        "undecided",
        both(faults_in_its_handler, lambda e: e.pop("sectors")),
    ),
    ("nothing could be read", "undecided", lambda e: [e.pop(key) for key in ("core", "sectors", "options")]),
]


@pytest.mark.parametrize(("story", "cause", "change"), CASES, ids=[case[0] for case in CASES])
def test_evidence_leads_to_its_cause(story: str, cause: str, change: Callable[[Evidence], None]) -> None:
    evidence = good_unit()
    change(evidence)
    diagnosis = diagnose(evidence)
    assert diagnosis["cause"] == cause
    assert diagnosis["evidence"], "a diagnosis names what decided"
    assert diagnosis["next_step"]
    assert not re.search(r"[{}]", diagnosis["sentence"])


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (silent("no_ack", "no_ack"), "CHECK_WIRES"),
        (both(silent("no_ack"), wired("high", "low"), reads("vcap", 600)), "CHECK_WIRES"),
        (both(silent("no_ack"), wired("high", "low")), "NOT_FIRMWARE"),
        (both(silent("no_ack"), wired("high", "low"), unseen("bplus", "v12")), "NOT_FIRMWARE"),
        (both(silent("no_ack"), wired("high", "low"), latching), "CHECK_WIRES"),
        # Reset that is let go says that the chip has its supply, whatever rails nobody sees.
        (both(silent("no_ack"), wired("high", "high"), unseen("vcap")), "CHECK_WIRES"),
        (both(silent("no_ack"), wired("high", "high"), unseen("v3v3", "vcap")), "CHECK_WIRES"),
        (both(silent("no_ack"), wired("high", "low"), unseen("vcap")), "EXAMINED"),
        (both(silent("no_ack"), wired("high", "high"), unseen("vcap", "nrst")), "EXAMINED"),
    ],
)
def test_silence_is_the_wires_unless_they_were_seen_to_end_at_a_living_chip(
    change: Callable[[Evidence], None], outcome: str
) -> None:
    evidence = good_unit()
    change(evidence)
    assert (diagnose(evidence)["cause"], diagnose(evidence)["ends_as"]) == ("no-swd", outcome)


@pytest.mark.parametrize(("ma", "short"), [(30, False), (140, True)])
def test_a_dead_rail_whose_source_nobody_sees_may_be_a_short_where_much_flows(ma: int, short: bool) -> None:
    evidence = good_unit()
    both(no_3v3, unseen("bplus", "v12", "v5iso"))(evidence)
    evidence["rails"]["ma"] = ma
    diagnosis = diagnose(evidence)
    assert diagnosis["cause"] == "no-3v3"
    assert ("short-12v" in diagnosis["alternatives"]) is short


def test_damage_that_reads_as_another_name_is_not_another_product_for_certain() -> None:
    evidence = good_unit()
    both(holds(*OTHER_FIRMWARE), marked("other", "]K^BA]#KC[??#O?"), faults_in_its_handler)(evidence)
    diagnosis = diagnose(evidence)
    assert (diagnosis["cause"], diagnosis["confidence"]) == ("other-product", "likely")
    assert diagnosis["alternatives"] == ["differs"]


def test_an_application_that_nobody_knows_and_that_hangs_is_said_to_hang() -> None:
    evidence = good_unit()
    both(holds("differs", "differs", *BLANK_REST), loops(places=1))(evidence)
    diagnosis = diagnose(evidence)
    assert diagnosis["cause"] == "unknown-application"
    assert "stuck in a loop" in diagnosis["sentence"]


RULES = {
    "trip": rules_trip.RULES,
    "supply": rules_supply.RULES,
    "contact": rules_contact.RULES,
    "chip": rules_chip.RULES,
    "start": rules_start.RULES,
    "firmware": rules_firmware.RULES,
    "behaviour": rules_behaviour.RULES,
    "open": rules_open.RULES,
}


def test_every_rule_has_a_case() -> None:
    missing = {name for rules in RULES.values() for name, _ in rules} - {cause for _, cause, _ in CASES}
    assert not missing, f"add to CASES, above, a story with evidence that leads to: {sorted(missing)}"


def test_every_rule_names_a_cause_of_the_catalogue() -> None:
    missing = {name for rules in RULES.values() for name, _ in rules} - {cause.name for cause in all_causes()}
    assert not missing, f"{_WORDS}: {sorted(missing)}"


def test_every_cause_has_a_rule_that_finds_it() -> None:
    found = {name for rules in RULES.values() for name, _ in rules}
    found |= {"not-examined", "undecided"}  # without a rule
    silent = {cause.name for cause in all_causes()} - found
    assert not silent, f"no rule of device/rescue/engine/diagnosis/rules_*.py leads to: {sorted(silent)}"


def test_without_a_job_nobody_is_told_to_erase_or_write_or_that_the_firmware_is_in_order() -> None:
    for story, _, change in CASES:
        evidence = good_unit()
        change(evidence)
        evidence["expected"]["open"] = True
        for sector in evidence.get("sectors") or ():
            sector["owned"] = False
        found = diagnose(evidence)
        assert "eras" not in found["next_step"].lower(), story
        assert not re.search(r"\b[Ww]rite\b|consent", found["next_step"]), story
        assert found["ends_as"] not in ("RECOVERED", "NO_FAULT_FOUND"), story
        assert "matches the image" not in found["sentence"], story


@pytest.mark.parametrize(("count", "told"), [(1, "all but 1/64 of its first sector is equal"), (40, None)])
def test_how_much_of_an_unknown_application_is_the_job_s_image_is_told(count: int, told: str | None) -> None:
    evidence = good_unit()
    both(holds(*OTHER_FIRMWARE), other_parts(count, 60))(evidence)
    sentence = diagnose(evidence)["sentence"]
    assert ("/64" in sentence) == (told is not None)
    assert told is None or told in sentence


@pytest.mark.parametrize("marker", ["ours", "none"])
def test_newer_firmware_needs_its_word_also_where_protection_is_named_first(marker: str) -> None:
    evidence = good_unit()
    both(holds(*OTHER_FIRMWARE), version("1.10.0", "1.9.2"), marked(marker))(evidence)
    evidence["options"]["wrp_sectors"] = [0, 1]
    assert diagnose(evidence)["cause"] == "wrp"
    assert whose.word_for(evidence) == "newer-firmware"
    evidence["version"] = {**evidence["version"], "found": "1.9.2"}
    assert whose.word_for(evidence) == (None if marker == "ours" else "unknown-application")


def test_what_lies_behind_a_start_makes_it_perhaps_a_bootloader() -> None:
    evidence = good_unit()
    no_job()(evidence)
    evidence["firmware"]["starts"].append({"address": 0x08020000, "sp": 0x20020000, "pc": 0x08020401})
    told = diagnose(evidence)["evidence"]
    assert "what can start lies at 0x08020000 (SP 0x20020000, PC 0x08020401)" in told
    assert any(line.startswith("what can start lies at 0x08000000") and "bootloader" in line for line in told)
    assert "text at 0x08000400: BMSIMAGE1.2.0" in told


def test_a_chip_that_nobody_knows_is_no_wrong_target_of_a_job_that_there_is_not() -> None:
    evidence = good_unit()
    no_job()(evidence)
    evidence["expected"].update(chip=None, dev_id=None, flash_kib=None)
    evidence["chip"].update(dev_id=0x450, flash_kib=None)
    found = diagnose(evidence)
    assert found["cause"] == "wrong-target" and "the job" not in found["sentence"]


def test_what_it_could_also_be_comes_with_what_one_would_see_then() -> None:
    told = set()
    for story, _, change in CASES:
        evidence = good_unit()
        change(evidence)
        diagnosis = diagnose(evidence)
        assert len(diagnosis["apart"]) == len(diagnosis["alternatives"]), story
        told |= set(diagnosis["alternatives"])
    assert told | {"update-cut"} == set(distinguishing.TABLE), (
        "no text that is never said; a part with one sector is below"
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (sleeps(armed=True), "not seen awake: it slept through 500 ms"),
        (loops(places=2, entries=True), "interrupts are served, as far as seen"),
        (bitten(0), "IWDG1RSTF: a watchdog has reset the chip since power-on"),
        (clocked("PLL3"), "PLL3 asked for and not ready"),
        (lambda e: e["rails"]["on"].pop("vcap"), "not measured: vcap"),
        (lambda e: e.update(unreadable={"clocks": "fault"}), "not read: clocks (fault)"),
    ],
)
def test_what_was_not_seen_keeps_a_healthy_unit_from_being_certain(
    change: Callable[[Evidence], None], line: str
) -> None:
    evidence = good_unit()
    change(evidence)
    diagnosis = diagnose(evidence)
    assert (diagnosis["cause"], diagnosis["confidence"]) == ("healthy", "likely")
    assert any(line in text for text in diagnosis["evidence"]), diagnosis["evidence"]


def test_a_dead_crystal_is_named_with_what_the_core_does() -> None:
    evidence = good_unit()
    both(loops(places=4), clocked("HSE"), lambda e: e["core"].update(clock_hz=64_000_000))(evidence)
    found = diagnose(evidence)
    words = "is stuck in a loop of 4 instructions at 0x08000400 at 64 MHz; HSE asked for and not ready: look at the"
    assert (words in found["sentence"], found["confidence"], found["ends_as"]) == (True, "certain", "NOT_FIRMWARE")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda e: e["core"].update(pc_samples=[0x1FF09900] * 4), "BOOT0 is high at reset: look for a jumper"),
        (clocked("HSE"), "HSE asked for and not ready: look at the crystal"),
    ],
)
def test_what_writing_does_not_cure_is_named_before_anything_is_written(
    change: Callable[[Evidence], None], line: str
) -> None:
    evidence = good_unit()
    both(holds("blank", "match", *BLANK_REST), change)(evidence)
    found = diagnose(evidence)
    assert found["ends_as"] == "RECOVERED"
    assert any(text.startswith(line) for text in found["evidence"])


def test_no_cause_is_in_the_catalogue_twice() -> None:
    names = [cause.name for cause in all_causes()]
    assert len(names) == len(set(names))


def test_every_cause_heads_for_a_known_outcome() -> None:
    assert {cause.ends_as for cause in all_causes()} <= set(OUTCOMES)


def test_judging_changes_nothing_in_the_evidence() -> None:
    for _, _, change in CASES:
        evidence = good_unit()
        change(evidence)
        before = copy.deepcopy(evidence)
        diagnose(evidence)
        assert evidence == before


def test_a_dead_supply_is_blamed_before_anything_it_explains() -> None:
    evidence = good_unit()
    for name in ("bplus", "v12", "v3v3", "vcap"):
        reads(name, 0)(evidence)
    silent("no_ack")(evidence)
    assert diagnose(evidence)["cause"] == "no-supply"


def test_one_erased_sector_cannot_tell_a_cut_update_from_an_empty_chip_and_says_so() -> None:
    evidence = good_unit()
    evidence["sectors"] = sectors("blank")
    diagnosis = diagnose(evidence)
    assert diagnosis["confidence"] == "likely"
    assert diagnosis["alternatives"] == ["update-cut"]
    assert diagnosis["apart"] == ["somebody has tried to update this unit"]


def test_a_torn_word_is_named_with_its_address() -> None:
    evidence = good_unit()
    holds("match", "torn", *BLANK_REST)(evidence)
    assert any("0x08024000" in line for line in diagnose(evidence)["evidence"])


def test_what_the_helper_has_no_wire_to_is_never_said_to_be_there() -> None:
    evidence = good_unit()
    both(no_12v(20), unseen("bplus"))(evidence)
    found = diagnose(evidence)
    assert (found["confidence"], found["alternatives"]) == ("likely", ["no-supply"])
    assert "B+ is not seen by this helper" in found["sentence"]
    evidence = good_unit()
    both(no_3v3, unseen("v12"))(evidence)
    assert "12 V is not seen by this helper" in diagnose(evidence)["sentence"]


def test_another_family_is_named_with_its_core_and_every_access_port() -> None:
    evidence = good_unit()
    other_family("Cortex-M33")(evidence)
    found = diagnose(evidence)
    assert found["ends_as"] == "WRONG_TARGET"
    for words in ("Cortex-M33", "AP0 0x54770002", "AP1 0x84770001", "AP2 0x00000000"):
        assert words in found["sentence"]
    assert "DPIDR 0x6ba02477" in found["evidence"][0]


@pytest.mark.parametrize("ma", [0, 150])
def test_a_dead_input_that_takes_current_may_be_a_short(ma: int) -> None:
    evidence = good_unit()
    both(reads("bplus", 0), reads("v12", 0), reads("v3v3", 0), reads("vcap", 0))(evidence)
    evidence["rails"]["ma"] = ma
    found = diagnose(evidence)
    assert found["cause"] == "no-supply"
    assert ("short-input" in found["alternatives"]) == (ma > 0)
    assert (found["confidence"] == "certain") == (ma == 0)


@pytest.mark.parametrize(("sees", "told"), [(True, "with 3.3 V good"), (False, "with 3.3 V not seen")])
def test_a_dead_core_supply_says_whether_the_chip_s_own_was_seen(sees: bool, told: str) -> None:
    evidence = good_unit()
    both(reads("vcap", 30), silent("no_ack"))(evidence)
    if not sees:
        del evidence["rails"]["on"]["v3v3"]
    found = diagnose(evidence)
    assert found["cause"] == "no-vcap"
    assert told in found["sentence"]
    assert ("no-3v3" in found["alternatives"]) == (not sees)


@pytest.mark.parametrize(
    ("without", "cause", "ends_as"),
    [
        (("bplus",), "no-12v", "NOT_FIRMWARE"),
        (("bplus", "power"), "not-on", "EXAMINED"),
        (("unit_button",), "not-on", "EXAMINED"),
    ],
)
def test_a_dead_rail_of_a_unit_that_nobody_saw_start_is_no_verdict(
    without: tuple[str, ...], cause: str, ends_as: str
) -> None:
    evidence = good_unit()
    both(no_12v(20), unseen(*without))(evidence)
    found = diagnose(evidence)
    assert (found["cause"], found["ends_as"]) == (cause, ends_as)
