"""Units made by hand on the generator's pieces: small parts, small images, the fault that is put in, and one press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from bmsrescue.twin.board.faults import BoardFaults
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.field import history
from bmsrescue.twin.field.boards import Board
from bmsrescue.twin.field.case import Case, Fault, History
from bmsrescue.twin.field.generate import card_of, generate
from bmsrescue.twin.field.images import CODE_OFFSET, MARKER_OFFSET, STARTS_WATCHDOG, USES_PLL
from bmsrescue.twin.field.physics import look_alone
from bmsrescue.twin.field.truth import look_at_flash
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.wire import wire_over

_LENGTH = 2000


@cache
def _plain(part: str) -> Case:
    """The first generated case on this part without bootloader and second segment; what is wrong with it goes."""
    seed = 0
    while True:
        case = generate(seed)
        if case.layout.part == part and case.layout.bootloader is None and case.layout.second is None:
            return case
        seed += 1


def unit_of(part: str, what: str, fault: Fault | None = None, flags: int = USES_PLL | STARTS_WATCHDOG) -> Case:
    """A unit on a board like any other, with `what` of history.py in flash, and a job that knows its product.

    what: "blank", "in-order", "older", "cut", "torn", "crashing"...
    """
    case = _plain(part)
    image = replace(case.image, base=case.layout.application.address, length=_LENGTH, flags=flags, supply=2)
    marker = {"address": f"0x{image.base + MARKER_OFFSET:08x}", "text": image.product}
    owned = set(case.layout.sectors_of(image.base, image.length))
    preserve = [
        {"name": area.name, "address": f"0x{area.address:08x}", "length": area.length}
        for area in case.layout.own
        if set(case.layout.sectors_of(area.address, area.length)) & owned
    ]
    job: dict[str, object] = {
        "policy": {"mode": "repair", "preserve": preserve, "consent": []},
        "target": {"boot_address": f"0x{image.base:08x}", "marker": marker},
        "proof": {"rule": "core-running", "window_ms": 100, "timeout_ms": 5000},
    }
    was = history._MAKERS[what](Random(1), case.layout, image, b"")
    return replace(
        case,
        seed=1,
        board=Board("ldo", 2.0, crystal=False, traits=BoardFaults(), words=()),
        image=image,
        history=was,
        faults=() if fault is None else (fault,),
        job=job,
        consent=frozenset(),
    )


def with_code(case: Case, program: bytes, words: str) -> Case:
    """The job's image, but for its code: it goes wrong at once."""
    data = bytearray(case.image.data())
    data[CODE_OFFSET : CODE_OFFSET + len(program)] = program
    return with_flash(case, lambda unit: unit.chip.flash.load(case.image.base, bytes(data)), words)


def with_flash(case: Case, breaks: Callable[[Unit], None], words: str) -> Case:
    return replace(case, history=History("crashing", words, None, breaks))


def on_board(kind: str, **board: Any) -> Fault:
    return Fault(kind, kind, board=board)


class Pressed:
    """One press on a case: the record, and what is true of the unit afterwards."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.unit = case.build_unit()
        self.before = look_at_flash(case, case.build_unit())
        helper = VirtualHelper(self.unit, wire_over(self.unit.swd), card_of(case), faults=case.card_faults(), seed=1)
        self.result = helper.run()
        assert self.result.record is not None, self.result.output
        self.record: dict[str, Any] = dict(self.result.record)
        assert not self.unit.supply_on

    @property
    def ends(self) -> tuple[str, str]:
        return self.record["outcome"], self.record["diagnosis"]["cause"]

    @property
    def told(self) -> str:
        diagnosis, proof = self.record["diagnosis"], self.record["proof"] or {}
        parts = [diagnosis["sentence"], *diagnosis["evidence"], *proof.get("lines", ()), self.record["sentence"]]
        return " / ".join([*parts, self.record["next_step"] or "", diagnosis["next_step"] or ""])

    def holds_image(self) -> bool:
        return look_at_flash(self.case, self.unit).holds_image

    def keeps_own_data(self) -> bool:
        data, base = self.unit.chip.flash.data, self.case.layout.geometry.base
        return all(bytes(data[at - base :][: len(own)]) == own for at, own in self.case.own_data.items())

    def runs_alone(self, watch_ms: int = 900) -> bool:
        """By itself, power on and hands off."""
        self.unit.clock.advance(8_000_000_000)
        return look_alone(self.unit, watch_ms).runs
