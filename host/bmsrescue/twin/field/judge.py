"""One case from the bench to a verdict: what was said against what is true."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from time import process_time
from typing import Any, Final

from bmsrescue.card.fat import read_files
from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.array import TORN
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import ENDED, POWER_CUT, RunResult, VirtualHelper
from bmsrescue.twin.helper.wire import wire_over

from .case import Case
from .generate import card_of
from .physics import OFF_MS, Life, look_alone
from .truth import HARDWARE, Flash, Truth, look_at_flash, truth_of

RIGHT: Final = "right"
WEAK: Final = "weak"
NOT_RUN: Final = "not run"
WRONG_KINDS: Final = (
    "hang",
    "unsafe end",
    "own data lost",
    "wrong bytes called good",
    "false green",
    "worse than before",
    "overwritten without leave",
    "false scrap",
    "tool error",
    "wrong outcome",
    "wrong cause",
)
"""In the order in which they are looked for: the first that fits is the verdict."""

GREEN: Final = frozenset({"RECOVERED", "RECOVERED_CHECK_CONFIG", "NO_FAULT_FOUND"})
_AGAIN: Final = frozenset({"INTERRUPTED", "CHECK_WIRES", "TOOL_ERROR"})
_LONGEST_MS: Final = 900_000
_WALL_S: Final = 600.0  # on a busy computer; campaign.py counts processor time
_PIECE_BYTES: Final = 4096  # a multiple of each chip's flash word
_SELDOM_MS: Final = 7_000
_WATCHDOG_MS: Final = 2_500
_DIP_OVER_MS: Final = 7_000  # faults.py: 6 s after power-on at the latest


@dataclass(frozen=True)
class Press:
    """One press of the button, and what the unit was after it."""

    how: str
    outcome: str
    cause: str
    sentence: str
    virtual_ms: int
    alternatives: tuple[str, ...] = ()
    certain: bool = False


@dataclass(frozen=True)
class Verdict:
    seed: int
    kind: str
    """RIGHT, WEAK, NOT_RUN or one of WRONG_KINDS."""
    detail: str
    presses: tuple[Press, ...]
    words: tuple[str, ...]
    truth: str
    cpu_s: float

    commit: str = ""
    """What was run, as git names it."""
    named: bool = False
    """The cause that was said is true of the unit, or a true one is among those that it is said it could be."""

    @property
    def is_wrong(self) -> bool:
        return self.kind not in (RIGHT, WEAK, NOT_RUN)


class _Wrong(Exception):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


def cured_unit(case: Case) -> Unit:
    """The unit as it would be with the job's image in it and all done that the job consents to."""
    unit = case.build_unit()
    flash, options = unit.chip.flash, unit.chip.options
    if "rdp-regression" in case.consent and "rdp1" in case.kinds:
        for sector in range(flash.geometry.sectors):
            flash.blank(sector)
        options.preset(options.stored.with_rdp(0xAA))
    if "options" in case.job and "option-bytes" in case.consent:
        boot = options.factory.boot & 0xFFFF0000 | case.layout.boot_address >> 16
        options.preset(replace(options.stored, optsr=options.factory.optsr, boot=boot))
    if "update-flag" in case.consent and "bootloader" in case.job and case.layout.flag_address is not None:
        flash.blank(case.layout.sector_of(case.layout.flag_address))
    for address, data in case.segments():
        flash.load(address, data)
    return unit


@dataclass
class _State:
    """What is true of the unit before a press."""

    before: Life
    flash: Flash
    truth: Truth


def _state(case: Case, *, again: bool = False) -> _State:
    alone = case.build_unit()
    flash = look_at_flash(case, alone)
    before = _look(case, alone)
    return _State(before, flash, truth_of(case, before, flash, lambda: _look(case, cured_unit(case)), again=again))


def _look(case: Case, unit: Unit) -> Life:
    """What the unit does by itself; what comes once is not to come while a person looks."""
    if "dip" in case.kinds:
        unit.set_power(True)
        unit.clock.advance(_DIP_OVER_MS * 1_000_000)
        unit.set_power(False)
        unit.clock.advance(OFF_MS * 1_000_000)
    # Long enough for what comes seldom (faults.py: 6 s at most), and for a watchdog under a slow supervisor.
    if "nrst-seldom" in case.kinds:
        return look_alone(unit, _SELDOM_MS)
    return look_alone(unit, _WATCHDOG_MS) if "iwdg-option" in case.kinds else look_alone(unit)


def judge(case: Case) -> Verdict:
    """Run the case on the agent: one press, and a second one where the first may be gone on with."""
    started = process_time()
    presses: list[Press] = []
    first = _state(case)
    truth = first.truth
    unit = case.build_unit()
    cells = bytes(unit.chip.flash.data), bytes(unit.chip.flash.state)
    card = card_of(case)
    helper = VirtualHelper(
        unit, wire_over(unit.swd), card, faults=case.card_faults(), seed=case.seed, wall_limit_s=_WALL_S
    )
    try:
        result = helper.run()
        presses.append(_press(result))
        mended = case.mended()
        again = presses[-1].how == POWER_CUT or presses[-1].outcome == "INTERRUPTED"
        again = again or (presses[-1].outcome in _AGAIN and mended.faults != case.faults)
        _check(case, first, unit, cells, result, card, goes_on=again)
        kind, detail = _said(truth, presses[-1], case)
        named = _is_named(truth, presses[-1])
        if again:
            second = _state(mended, again=True)
            truth = second.truth
            mended.fit_board(unit, mended.faults)
            unit.clock.advance(OFF_MS * 1_000_000)  # a person's hands take longer than the rails
            helper_again = VirtualHelper(
                unit, wire_over(unit.swd), card, faults=CardFaults(), seed=case.seed + 1, wall_limit_s=_WALL_S
            )
            helper_again.flash[:] = helper.flash
            result = helper_again.run()
            presses.append(_press(result))
            _check(mended, second, unit, cells, result, card, goes_on=False)
            kind_again, detail = _said(truth, presses[-1], mended)
            kind = WEAK if WEAK in (kind, kind_again) else RIGHT
            named = _is_named(truth, presses[-1])
    except _Wrong as wrong:
        kind, detail, named = wrong.kind, wrong.detail, False
    told = f"right {sorted(truth.right)}, weak {sorted(truth.weak)}, causes {sorted(truth.causes)}"
    cpu_s = round(process_time() - started, 2)
    return Verdict(case.seed, kind, detail, tuple(presses), tuple(case.describe()), told, cpu_s, named=named)


def _press(result: RunResult) -> Press:
    record: dict[str, Any] = result.record or {}
    diagnosis = record.get("diagnosis") or {}
    sentence = " ".join(str(part) for part in (diagnosis.get("sentence"), record.get("next_step")) if part)
    return Press(
        result.how,
        str(record.get("outcome", "")),
        str(diagnosis.get("cause", "")),
        sentence,
        result.virtual_ms,
        tuple(diagnosis.get("alternatives") or ()),
        diagnosis.get("confidence") == "certain",
    )


# --- what must hold whatever was said ---


def _check(
    case: Case,
    state: _State,
    unit: Unit,
    cells: tuple[bytes, bytes],
    result: RunResult,
    card: bytearray,
    *,
    goes_on: bool,
) -> None:
    """`goes_on`: another press follows, which has the backup: what is the unit's own need not be back before that."""
    press = _press(result)
    cut = result.how == POWER_CUT
    if not cut and (result.how != ENDED or result.virtual_ms > _LONGEST_MS or not press.outcome):
        raise _Wrong("hang", f"the run ended by {result.how} after {result.virtual_ms} ms: {result.output[-400:]}")
    if result.left_powered and not cut:
        raise _Wrong("unsafe end", "the unit's supply was left on")
    after = look_at_flash(case, unit)
    if not goes_on:
        _own_data_kept(case, unit, cells, card)
    life = _look(case, unit)
    if not life.rails_off and "backfeed" not in case.kinds:
        raise _Wrong("unsafe end", "rails stay up with the supply off")
    _backup_true(case, cells, card, press)
    if press.outcome in GREEN:
        _green_is_true(case, after, life, press, state)
    elif state.before.runs and not life.runs and not goes_on and "worn" not in case.kinds:
        raise _Wrong("worse than before", f"it ran before, and does not after {press.outcome}")
    _leave_given(case, state, after, press)


def _own_data_kept(case: Case, unit: Unit, cells: tuple[bytes, bytes], card: bytearray) -> None:
    """Bootloader, calibration and every sector that the job does not own: as before, word for word.

    What lay in a sector whose cells fail when it is written must be in the backup.
    """
    if "rdp1" in case.kinds and "rdp-regression" in case.consent:
        return  # the job's owner has agreed to lose it
    data, states = cells
    flash = unit.chip.flash
    geometry = flash.geometry
    size = geometry.word_size
    owned = case.owned_sectors()
    own = [(area.address, area.end) for area in case.layout.own]
    flag = case.layout.flag_address if "update-flag" in case.consent else None
    for word in sorted(_changed_words(data, flash.data, size) | _torn_words(flash.state)):
        address = geometry.base + word * size
        mine = case.layout.sector_of(address) not in owned or any(start < address + size and address < end
                                                                 for start, end in own)  # fmt: skip
        if not mine or states[word] == TORN or (flag is not None and address <= flag < address + size):
            continue
        offset = word * size
        failing = any(case.layout.sector_of(address) in fault.sectors for fault in case.faults if fault.kind == "worn")
        now = data[offset : offset + size]
        if failing and any(kept[offset : offset + size] == now for kept in _backups(card).values()):
            continue
        raise _Wrong("own data lost", f"the word at 0x{address:08x} is not what it was")


def _changed_words(before: bytes | bytearray, after: bytes | bytearray, size: int) -> set[int]:
    """The numbers of the words of `size` bytes in which two contents of one length differ."""
    return {
        offset // size
        for start in range(0, len(before), _PIECE_BYTES)
        if before[start : start + _PIECE_BYTES] != after[start : start + _PIECE_BYTES]
        for offset in range(start, min(start + _PIECE_BYTES, len(before)), size)
        if before[offset : offset + size] != after[offset : offset + size]
    }


def _torn_words(states: bytes | bytearray) -> set[int]:
    return {word for word, state in enumerate(states) if state == TORN} if TORN in states else set()


def _backups(card: bytearray) -> dict[str, bytes]:
    """What each backup on the card says the flash held; b"" of one that a cut has left unfinished."""
    found = {}
    for name, content in sorted(read_files(card).items()):
        if name.lower().startswith("backups/") and name.lower().endswith(".elf"):
            found[name] = b""
            with suppress(ImageFileError):
                found[name] = whole_flash(content, name)
    return found


def _backup_true(case: Case, cells: tuple[bytes, bytes], card: bytearray, press: Press) -> None:
    """A backup that the record relies on holds the unit's own bytes."""
    if case.kinds & {"card-pulled", "helper-cut", "card-unreadable", "rdp1"}:
        return
    data, states = cells
    word = case.layout.geometry.word_size
    backups = _backups(card)
    if backups and press.outcome in GREEN and not any(backups.values()):
        raise _Wrong("own data lost", f"{', '.join(backups)} cannot be read")
    for name, kept in backups.items():
        if len(kept) != len(data) or press.outcome not in GREEN:
            continue
        if kept == data:
            return
        for index in sorted(_changed_words(data, kept, word)):
            if states[index] != TORN:
                where = case.layout.geometry.base + index * word
                raise _Wrong("wrong bytes called good", f"{name} holds other bytes at 0x{where:08x}")
        return


def _green_is_true(case: Case, after: Flash, life: Life, press: Press, state: _State) -> None:
    if press.outcome != "NO_FAULT_FOUND" and not after.holds_image:
        raise _Wrong("wrong bytes called good", f"{press.outcome}, and sectors {sorted(after.wrong_sectors)} differ")
    if not life.runs:
        raise _Wrong("false green", f"{press.outcome} ({press.cause}), and by itself it does not run: {life}")
    if press.outcome == "NO_FAULT_FOUND" and not after.holds_image and "healthy" in press.cause:
        raise _Wrong("false green", f"healthy, and sectors {sorted(after.wrong_sectors)} are not the image's")


def _leave_given(case: Case, state: _State, after: Flash, press: Press) -> None:
    """What ran and was somebody's own is not replaced unless the job says so."""
    allowed = state.truth.right | state.truth.weak
    if state.flash.holds_image or not after.holds_image or allowed & {"RECOVERED", "RECOVERED_CHECK_CONFIG"}:
        return
    if state.before.runs and press.outcome in GREEN:
        raise _Wrong("overwritten without leave", f"{case.history.words}; ended {press.outcome}")


# --- what was said ---


def _is_named(truth: Truth, press: Press) -> bool:
    said = {press.cause} if press.certain else {press.cause, *press.alternatives}
    return press.how == POWER_CUT or bool(truth.causes & said)


def _said(truth: Truth, press: Press, case: Case) -> tuple[str, str]:
    if press.how == POWER_CUT:
        return RIGHT, "cut as planned"
    if press.outcome in truth.right:
        kind = RIGHT
    elif press.outcome in truth.weak:
        kind = WEAK
    elif press.outcome == "TOOL_ERROR":
        raise _Wrong("tool error", f"{press.cause}: {press.sentence}")
    elif press.outcome in ("NOT_FIRMWARE", "UNSAFE") and not case.kinds & HARDWARE:
        raise _Wrong("false scrap", f"{press.outcome} ({press.cause}), and no hardware of the unit is at fault")
    else:
        raise _Wrong("wrong outcome", f"{press.outcome} ({press.cause})")
    if press.cause not in truth.causes:
        if _is_named(truth, press):
            return WEAK, f"{press.cause}, or {', '.join(press.alternatives)} ({press.outcome})"
        if press.cause in ("undecided", "not-examined", ""):
            return WEAK, f"cause {press.cause or 'none'}"
        raise _Wrong("wrong cause", f"{press.cause} ({press.outcome})")
    return kind, f"{press.outcome} ({press.cause})"
