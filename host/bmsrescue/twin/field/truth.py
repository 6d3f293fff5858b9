"""What is right to say of a case, worked out from what was put in and from what the unit does by itself.

`right` and `weak` are outcomes; weak is honest, but not the best that could be said or done. `causes` are the names of
the catalogue that are true of the unit; with a helper or wires that hide which of several it is, all of them are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.array import TORN

from .case import Case
from .history import second_of
from .images import MARKER_OFFSET
from .job import OPTSR_MASK
from .physics import Life

SUPPLY_ENDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "no-supply": (frozenset({"NOT_FIRMWARE"}), frozenset({"no-supply"})),
    # A converter that limits its own current may stay below every limit of the supply: then the rail is dead.
    "short-v3v3": (frozenset({"UNSAFE", "NOT_FIRMWARE"}), frozenset({"short-3v3", "over-current", "no-3v3"})),
    "short-v12": (frozenset({"UNSAFE"}), frozenset({"short-12v", "over-current"})),
    "low-3v3": (frozenset({"UNSAFE"}), frozenset({"low-3v3"})),
    "no-3v3": (frozenset({"NOT_FIRMWARE"}), frozenset({"no-3v3"})),
    "no-12v": (frozenset({"NOT_FIRMWARE"}), frozenset({"no-12v"})),
    "reversed": (frozenset({"UNSAFE", "NOT_FIRMWARE"}), frozenset({"short-input", "no-supply", "over-current"})),
    "low-supply": (frozenset({"NOT_FIRMWARE"}), frozenset({"low-supply", "no-12v"})),
    "backfeed": (frozenset({"UNSAFE"}), frozenset({"backfeed"})),
    "no-vcap": (frozenset({"NOT_FIRMWARE"}), frozenset({"no-vcap"})),
}
"""Board faults that end the run before anything else: outcomes and causes."""

_SUPPLY_CAUSES: Final = frozenset(
    {
        "no-supply", "low-supply", "short-input", "short-12v", "short-3v3", "no-12v", "low-12v", "no-3v3", "low-3v3",
        "over-current", "no-vcap", "unsteady-3v3",
    }
)  # fmt: skip
_WIRE_CAUSES: Final = frozenset({"swapped-swd", "open-swd", "no-swd", "swdio-low", "swd-unstable"})
_SENSE_CAUSES: Final[dict[str, frozenset[str]]] = {
    "sense-v3v3": frozenset({"no-vtref", "low-3v3", "no-3v3"}),
    "sense-vcap": frozenset({"no-vcap", "vcap-out"}),
    "sense-v12": frozenset({"no-12v", "low-12v", "sense-out"}),
    "sense-bplus": frozenset({"no-supply", "low-supply", "sense-out"}),
    "sense-v5iso": frozenset({"v5iso-out"}),
    "adc-spikes": frozenset({"unsteady-3v3"}),
}
_CRYSTAL: Final = frozenset(
    {"no-crystal", "crystal", "clock-not-ready", "stuck-loop", "not-running", "stuck", "crashed"}
)
_NOT_RUNNING: Final = frozenset({"not-running", "lockup", "crashed"})
_DAMAGE: Final = frozenset({"update-cut", "interrupted-program", "differs", "bad-vectors", "blank", "crashed"})
HARDWARE: Final = frozenset(SUPPLY_ENDS) | {
    "nrst-held", "nrst-pulses", "nrst-seldom", "boot0-strap", "latch-shorted", "crystal", "worn", "dip", "slow-erase",
}  # fmt: skip
"""Faults that a repair of the unit's hardware cures."""


@dataclass
class Flash:
    """What of the image is in the unit's flash, looked at in its cells."""

    wrong_sectors: frozenset[int]
    torn_sectors: frozenset[int]
    blank_sectors: frozenset[int]

    @property
    def holds_image(self) -> bool:
        return not self.wrong_sectors


def look_at_flash(case: Case, unit: Unit) -> Flash:
    """Which of the job's sectors lack a byte of the image, or cannot be read; which others cannot be read."""
    flash = unit.chip.flash
    geometry = flash.geometry
    wrong, torn = set(), set()
    for address, data in case.segments():
        for at in range(address, address + len(data), geometry.word_size):
            piece = data[at - address : at - address + geometry.word_size]
            offset = at - geometry.base
            if bytes(flash.data[offset : offset + len(piece)]) != piece or flash.is_torn(at):
                wrong.add(case.layout.sector_of(at))
    for word, state in enumerate(flash.state):
        if state == TORN:
            torn.add(word // geometry.words_per_sector)
    per_sector = geometry.words_per_sector
    blank = {
        sector
        for sector in range(len(flash.state) // per_sector)
        if not any(flash.state[sector * per_sector : (sector + 1) * per_sector])
    }
    return Flash(frozenset(wrong), frozenset(torn), frozenset(blank))


@dataclass
class Truth:
    """What may be said. `definite`: something ends the run whatever the flash holds."""

    right: set[str]
    weak: set[str]
    causes: set[str]
    definite: bool = False


def truth_of(case: Case, before: Life, flash: Flash, with_image: Callable[[], Life], *, again: bool = False) -> Truth:
    """What is right to say of this case.

    before: what the unit does by itself; flash: what it holds; with_image: what it would do with the job's image,
    asked only where that decides.
    again: the unit has been worked on before, and what was in the way has been taken away.
    """
    truth = _of_contents(case, before, flash, with_image)
    if case.history.kind == "damaged" and "marker" in str(case.job["target"]) and _marker_is_damaged(case):
        truth.weak |= {"WRONG_TARGET"}  # other bytes where the job's product has its name
        truth.causes |= {"other-product"}
    if again:
        _after_an_earlier_run(truth)
    for kind, (outcomes, causes) in SUPPLY_ENDS.items():
        if kind in case.kinds:
            _ends(truth, outcomes, causes)
    if truth.definite and case.board.traits.helper.missing_rails:
        truth.causes |= _SUPPLY_CAUSES  # a helper that does not see a rail names the next one
        truth.weak |= {"UNSAFE", "NOT_FIRMWARE"}
    _chip(case, before, truth, with_image)
    _around_chip(case, before, truth)
    _wires(case, before, truth)
    _cells(case, flash, truth)
    _senses(case, truth)
    if "nrst-stuck" in case.kinds:
        # Said as soon as it is seen, whatever else there is.
        truth.right |= {"CHECK_WIRES"}
        truth.causes |= {"stuck-nrst"}
    _card(case, truth)
    truth.weak -= truth.right
    return truth


def _marker_is_damaged(case: Case) -> bool:
    unit = case.build_unit()
    start = case.image.base + MARKER_OFFSET - unit.chip.flash.geometry.base
    wanted = case.image.product.encode()
    return bytes(unit.chip.flash.data[start : start + len(wanted)]) != wanted


def _ends(truth: Truth, outcomes: frozenset[str] | set[str], causes: frozenset[str] | set[str]) -> None:
    """Something that ends the run: what the flash holds does not come to be said, unless other such things do."""
    if not truth.definite:
        truth.right = set()
        truth.weak = set()
        truth.definite = True
    truth.right |= outcomes
    truth.causes |= causes


def _after_an_earlier_run(truth: Truth) -> None:
    truth.causes |= {"cure-cut", "options-cut", "healthy", "rdp1-removed", *_DAMAGE}
    if truth.right & {"RECOVERED", "NO_FAULT_FOUND"}:
        truth.right |= {"RECOVERED", "NO_FAULT_FOUND"}
    if "RECOVERED_CHECK_CONFIG" in truth.right | truth.weak:
        truth.right |= {"RECOVERED", "NO_FAULT_FOUND"}


# --- what is in flash and what the core makes of it ---


def _of_contents(case: Case, before: Life, flash: Flash, with_image: Callable[[], Life]) -> Truth:
    kind, consent = _kind_of(case), case.consent
    target = case.job["target"]
    marker = isinstance(target, dict) and "marker" in target
    version = "image" in case.job
    if flash.holds_image:
        truth = _image_is_there(case, before, with_image)
        if _rewrites(case) and "NO_FAULT_FOUND" in truth.right:
            truth.right |= {"RECOVERED"}
        return truth
    foreign = kind in ("sister", "unknown")
    if foreign and marker:
        return Truth({"WRONG_TARGET"}, set(), {"other-product"})
    causes = set(_DAMAGE)
    if before.runs:
        return _something_else_runs(case, marker=marker, version=version)
    if kind == "newer" and version and "newer-firmware" not in consent:
        return Truth({"LOCKED"}, set(), {"newer-firmware"} | _CRYSTAL)
    if kind in ("crashing", "wrong-supply", "damaged", "torn"):
        causes |= {"silent-firmware", "wrong-supply", "watchdog-loop", "supply-config"} | _NOT_RUNNING
    causes |= {"watchdog-loop"} if case.kinds & {"iwdg-option"} else set()
    causes |= _NOT_RUNNING
    if kind in ("sister", "unknown", "older", "newer", "crashing"):
        # It does not run, but who knows that of firmware that may sleep?
        causes |= {"unknown-application", "older-firmware", "newer-firmware", "silent-firmware"}
    weak = {"LOCKED"} if kind in ("sister", "unknown", "older", "newer", "crashing") else set()
    if kind == "wrong-supply" and "vcap" in case.board.traits.helper.missing_rails:
        # Whole, another version than the job's, and nobody sees what takes its supply away.
        weak |= {"LOCKED"}
        causes |= {"unknown-application", "older-firmware", "newer-firmware"}
    if kind == "damaged" and not marker:
        # A build with another limit in it looks the same, and the core does not show whether it does its work.
        weak |= {"LOCKED"}
        causes |= {"unknown-application"}
    truth = Truth({"RECOVERED"}, weak, causes)
    if not with_image().runs:
        truth.right = {"NOT_FIRMWARE"}
        truth.weak |= {"LOCKED"}
    if kind == "crashing" and _shuts_out(case) and not _leave(case, kind, marker=marker, version=version)[0]:
        truth.right |= {"LOCKED"}  # it may as well work, and nothing that can be seen says otherwise
    return truth


def _rewrites(case: Case) -> bool:
    policy = case.job["policy"]
    return isinstance(policy, dict) and policy["mode"] == "rewrite"


def _image_is_there(case: Case, before: Life, with_image: Callable[[], Life]) -> Truth:
    if before.runs:
        return Truth({"NO_FAULT_FOUND"}, set(), {"healthy", "quiet"})
    truth = Truth({"NOT_FIRMWARE"}, set(), set(_NOT_RUNNING))
    if case.history.kind == "waiting":
        consents = "update-flag" in case.consent and "bootloader" in case.job
        truth = Truth({"RECOVERED"} if consents else {"LOCKED"}, set() if consents else {"NOT_FIRMWARE"},
                      {"bootloader-waiting"} | (set() if "bootloader" in case.job else _NOT_RUNNING))  # fmt: skip
        if consents and not with_image().runs:
            truth.right, truth.weak = {"NOT_FIRMWARE"}, {"LOCKED"}  # the application is in order, and does not run here
            truth.causes |= _NOT_RUNNING
    return truth


def _something_else_runs(case: Case, *, marker: bool, version: bool) -> Truth:
    """Another firmware than the job's runs, or one with damage that does not stop it."""
    kind = _kind_of(case)
    causes = {"differs", "older-firmware", "newer-firmware", "unknown-application"}
    if kind in ("torn", "damaged", "cut", "bad-vectors", "waiting", "crashing"):
        return Truth({"RECOVERED"}, {"LOCKED"}, causes | _DAMAGE)
    if kind == "newer" and version and "newer-firmware" not in case.consent:
        return Truth({"LOCKED"}, set(), causes)
    allowed, may = _leave(case, kind, marker=marker, version=version)
    if allowed:
        return Truth({"RECOVERED"}, {"LOCKED"}, causes)
    return Truth({"RECOVERED", "LOCKED"} if may else {"LOCKED"}, set(), causes)


def _leave(case: Case, kind: str, *, marker: bool, version: bool) -> tuple[bool, bool]:
    """(whether the job plainly asks for what is there to be replaced, whether it may be taken to).

    A card names what it asks for by its marker and by the place of the version (docs/job-format.md). Without both
    nobody can tell an older or newer build of the product from somebody else's firmware: to ask is right then, whatever
    the job says of older and newer ones. Where the version is all that tells, a sister's counts as one of them.
    """
    consent, rewrite = case.consent, _rewrites(case)
    if "unknown-application" in consent:
        return True, True
    if kind not in ("older", "newer", "crashing"):
        return False, version and not marker and (rewrite or bool(consent & {"older-firmware", "newer-firmware"}))
    meant = rewrite or ("newer-firmware" if kind == "newer" else "older-firmware") in consent
    return marker or (version and meant), meant


def _kind_of(case: Case) -> str:
    """What happened to its flash; of an update cut before its first erase nothing: the old firmware is there."""
    kind = case.history.kind
    return "older" if kind == "cut" and _is_whole(case) else kind


def _is_whole(case: Case) -> bool:
    """Whether the build that was there before lies in flash as it was."""
    build = case.history.build
    if build is None:
        return False
    flash = case.build_unit().chip.flash
    pieces = [(build.base, build.data()), *((at, second_of(build, data)) for at, data in case.segments()[1:])]
    starts = [(at - flash.geometry.base, data) for at, data in pieces]
    held = all(bytes(flash.data[start : start + len(data)]) == data for start, data in starts)
    return held and TORN not in flash.state


def _shuts_out(case: Case) -> bool:
    """Whether its firmware closes the debug port wherever it runs, so that nobody sees what it does there."""
    asleep = "Standby" in case.history.words and "vcap" in case.board.traits.helper.missing_rails
    return "SWD pins" in case.history.words or asleep


# --- protection, option bytes, identity ---


def _chip(case: Case, before: Life, truth: Truth, with_image: Callable[[], Life]) -> None:
    kinds, consent = case.kinds, case.consent
    if "wrong-chip" in kinds:
        _ends(truth, {"WRONG_TARGET"}, {"wrong-target"})
    if "rdp2" in kinds:
        # Without a sign of life a closed debug port and a dead wire look the same.
        _ends(truth, {"LOCKED"}, {"rdp2", "no-swd"})
        (truth.weak if before.runs else truth.right).add("CHECK_WIRES")
        truth.weak.add("NOT_FIRMWARE")  # nothing saves such a unit but what it holds already
        if "vcap" in case.board.traits.helper.missing_rails:
            truth.weak.add("EXAMINED")  # whether the core has its supply is not seen: it may say no more than that
        if case.history.kind == "wrong-supply":
            truth.causes |= {"no-vcap", "supply-config"}
    if "secure" in kinds:
        _ends(truth, {"LOCKED"}, {"secure"})
    if "rdp1" in kinds:
        if "rdp-regression" not in consent:
            _ends(truth, {"LOCKED"}, {"rdp1"})
        elif case.layout.bootloader is not None:
            # What the job brings does not hold the bootloader that goes with the protection.
            _ends(truth, {"LOCKED", "NOT_FIRMWARE"}, {"rdp1", "rdp1-removed", "bootloader-damaged"})
        else:
            # What stood in flash and option bytes goes with the protection: only the board decides.
            _ends(truth, {"RECOVERED_CHECK_CONFIG" if with_image().runs else "NOT_FIRMWARE"}, {"rdp1", "rdp1-removed"})
    if "boot-address" in kinds:
        golden = "options" in case.job and "option-bytes" in consent
        truth.causes |= {"wrong-boot-address", "option-corruption"}
        if not golden:
            _ends(truth, {"LOCKED"} | truth.right & {"WRONG_TARGET"}, set())
        elif truth.right & {"NO_FAULT_FOUND", "NOT_FIRMWARE"} and not truth.definite:
            truth.right |= {"RECOVERED"}
    if "options" in case.job and kinds & {"bor-option", "iwdg-option"}:
        truth.causes |= {"option-corruption", "watchdog-loop"}
        may = "option-bytes" in consent
        if not truth.definite and truth.right & {"NO_FAULT_FOUND", "NOT_FIRMWARE"}:
            truth.right |= {"RECOVERED"} if may else {"LOCKED"}
            truth.weak |= truth.right & {"NO_FAULT_FOUND"}
            truth.right -= truth.weak
    if "iwdg-option" in kinds:
        truth.causes |= {"watchdog-loop", "watchdog-unfed", "reset-loop"}
        if "RECOVERED" in truth.right:
            truth.weak |= {"LOCKED"}


def _around_chip(case: Case, before: Life, truth: Truth) -> None:
    kinds = case.kinds
    if "nrst-held" in kinds:
        _ends(truth, {"NOT_FIRMWARE"}, {"held-in-reset"})
    if case.board.traits.watchdog_ms is not None and before.resets:
        truth.causes |= {"reset-loop"}  # by its watchdog chip, which what is in flash does not serve
    if "watchdog-always" in kinds:
        # The chip stands still while it is worked on, and nobody serves its watchdog: that is no fault of the unit.
        truth.causes |= {"reset-loop"}
        truth.weak |= {"INTERRUPTED"}
    if "afe-silent" in kinds:
        truth.causes |= {"brown-out", "afe-watchdog"}
        truth.weak |= {"INTERRUPTED"}
    if kinds & {"nrst-pulses", "nrst-seldom"}:
        # A supervisor that holds longer than the pulses are apart never lets go.
        # Whose firmware it is may be said before a pulse has come.
        asks = (truth.right | truth.weak) & {"LOCKED", "WRONG_TARGET"}
        _ends(truth, {"NOT_FIRMWARE"}, {"reset-loop"} | _held_by_pulses(case))
        truth.weak |= asks | ({"INTERRUPTED"} if "nrst-seldom" in kinds else set())
    if "boot0-strap" in kinds:
        truth.causes |= {"boot0-high"}
        # Whose firmware it is may be said all the same; and what takes the unit away meanwhile may end the work first.
        asks = truth.weak & {"WRONG_TARGET", "INTERRUPTED"}
        _ends(truth, {"NOT_FIRMWARE"} | truth.right & {"WRONG_TARGET"}, set())
        truth.weak |= {"CHECK_WIRES", "LOCKED"} | asks
    if "crystal" in kinds:
        truth.causes |= _CRYSTAL
        if "min_clock_hz" in str(case.job["proof"]):
            truth.right |= {"NOT_FIRMWARE"}  # a firmware that falls back is slower than the job asks for
    if "latch-shorted" in kinds:
        truth.causes |= {"latch-shorted"}
        if "latch" in case.job and not truth.definite:
            truth.right |= {"NOT_FIRMWARE"}


def _held_by_pulses(case: Case) -> set[str]:
    periods = [fault.board["nrst_pulse_period_ms"] for fault in case.faults if fault.kind == "nrst-pulses"]
    holds_ms = case.board.traits.nrst_supervisor_ms
    return {"held-in-reset"} if any(float(str(period)) <= holds_ms for period in periods) else set()


# --- wires, helper, cells, card ---


def _wires(case: Case, before: Life, truth: Truth) -> None:
    kinds = case.kinds
    if kinds & {"wire-swapped", "wire-open"}:
        _ends(truth, {"CHECK_WIRES"}, _WIRE_CAUSES)
        truth.weak |= {"LOCKED"} if case.board.traits.swd_translator else set()
    if kinds & {"wire-noise", "wire-doubled", "wire-contact"}:
        truth.right |= {"CHECK_WIRES", "INTERRUPTED"}
        truth.causes |= _WIRE_CAUSES | {"wrong-supply", "silent-firmware"}
    if "dip" in kinds:
        truth.right |= {"INTERRUPTED", "UNSAFE"}
        truth.causes |= {"brown-out", "unsteady-3v3", "low-3v3", "short-3v3", "swd-unstable"}


def _senses(case: Case, truth: Truth) -> None:
    """What a helper does not see as it is, is seen before the chip is: whatever else there is, it may be said."""
    for kind, causes in _SENSE_CAUSES.items():
        if kind in case.kinds:
            truth.causes |= causes
            truth.right |= {"CHECK_WIRES"}
            if kind == "sense-bplus":
                truth.weak |= {"UNSAFE"}  # while the rails rise a short and a lead that is not seen look alike
                truth.causes |= {"short-input"}
            if kind in ("sense-v3v3", "adc-spikes"):
                truth.weak |= {"UNSAFE"}  # what reads low is not written at
    if any(kind.startswith("sense-") for kind in case.kinds) and any("divider" in f.words for f in case.faults):
        truth.weak |= {"UNSAFE", "NOT_FIRMWARE"}  # a rail that reads somewhat low may be low


def _cells(case: Case, flash: Flash, truth: Truth) -> None:
    erased = "rdp1" in case.kinds and "rdp-regression" in case.consent  # and all is written anew
    torn = {sector for fault in case.faults if fault.kind == "torn-own" for sector in fault.sectors}
    to_write = case.owned_sectors() if erased or _rewrites(case) else flash.wrong_sectors | torn & case.owned_sectors()
    for fault in case.faults:
        needed = bool(fault.sectors & to_write)
        if (
            fault.kind == "worn"
            and fault.words.endswith("erase")
            and fault.sectors <= flash.blank_sectors
            and not erased
        ):
            continue  # nothing is erased that is blank
        if fault.kind == "worn" and needed and (erased or not truth.definite):
            truth.causes |= {"worn-sector"}
            truth.right = (truth.right - {"RECOVERED", "RECOVERED_CHECK_CONFIG"}) | {"NOT_FIRMWARE"}
        elif fault.kind == "slow-erase" and needed:
            truth.weak |= {"NOT_FIRMWARE", "INTERRUPTED"}
        elif fault.kind == "wrp" and needed:
            truth.causes |= {"wrp"}
            if "wrp" not in case.consent and "RECOVERED" in truth.right | truth.weak:
                _ends(truth, {"LOCKED"}, set())
        elif fault.kind == "pcrop":
            truth.causes |= {"pcrop"}
            _ends(truth, {"LOCKED"} | truth.right & {"WRONG_TARGET"}, set())
        elif fault.kind == "secure-area":
            truth.causes |= {"secure-area"}
            _ends(truth, {"LOCKED"} | truth.right & {"WRONG_TARGET"}, set())
        elif fault.kind == "torn-own":
            _torn_own(case, fault.sectors, truth)


def _torn_own(case: Case, sectors: frozenset[int], truth: Truth) -> None:
    truth.causes |= {"torn-data", "interrupted-program"}
    consents = any(f"sector:{sector}" in case.consent for sector in sectors)
    if truth.definite:
        return
    if truth.right & {"RECOVERED", "NO_FAULT_FOUND"}:
        truth.weak |= truth.right & {"RECOVERED", "NO_FAULT_FOUND"}
        truth.right -= truth.weak
        truth.right |= {"RECOVERED_CHECK_CONFIG"} if consents or sectors & case.owned_sectors() else {"LOCKED"}
        truth.weak |= {"RECOVERED_CHECK_CONFIG", "LOCKED"}


def _card(case: Case, truth: Truth) -> None:
    kinds = case.kinds
    if "card-unreadable" in kinds:
        truth.right, truth.weak, truth.definite = {"TOOL_ERROR"}, set(), True
        truth.causes |= {"not-examined"}
    if "card-flipped" in kinds:
        truth.causes |= {"not-examined"}
        _ends(truth, {"TOOL_ERROR"}, set())
    if kinds & {"card-pulled", "helper-cut"}:
        truth.right |= {"TOOL_ERROR", "INTERRUPTED"}
        truth.causes |= {"not-examined"}


__all__ = ["HARDWARE", "OPTSR_MASK", "Flash", "Truth", "look_at_flash", "truth_of"]
