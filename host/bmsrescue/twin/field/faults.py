"""What goes wrong with units, wires, helpers and cards: each a `Fault` drawn with its own chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from bmsrescue.twin.board.faults import Backfeed, ContactLoss, Dip
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.array import Wear
from bmsrescue.twin.chip.flash.registers import IWDG1_SW
from bmsrescue.twin.helper.block_device import CardFaults

from .boards import Board
from .case import Fault, History
from .images import USES_CRYSTAL, Build
from .layout import Layout

Maker = Callable[[Random, Layout, Board, Build, History], Fault | None]


def draw_faults(rng: Random, layout: Layout, board: Board, image: Build, history: History) -> tuple[Fault, ...]:
    """None to two faults beside the history; at least one where the history is in order, most of the time."""
    if history.kind == "in-order":
        count = rng.choices((0, 1, 2, 3), (20, 45, 28, 7))[0]
    else:
        count = rng.choices((0, 1, 2), (50, 35, 15))[0]
    found: list[Fault] = []
    groups: set[str] = set()
    names, weights = zip(*((name, weight) for name, weight, _group, _maker in MENU), strict=True)
    for _ in range(40):
        if len(found) == count:
            break
        name = rng.choices(names, weights)[0]
        group, maker = next((group, maker) for kind, _weight, group, maker in MENU if kind == name)
        if group in groups:
            continue
        fault = maker(rng, layout, board, image, history)
        if fault is not None:
            groups.add(group)
            found.append(fault)
    return tuple(found)


# --- the supply ---


def _no_supply(_rng: Random, *_: object) -> Fault:
    return Fault("no-supply", "the supply's lead is off", board={"supply_absent": True})


def _short(rng: Random, *_: object) -> Fault:
    rail = rng.choice(("v3v3", "v12"))
    ohm = rng.choice((0.05, 0.5))
    return Fault(f"short-{rail}", f"{rail} shorted by {ohm} ohm", board={"shorts_ohm": {rail: ohm}})


def _low_3v3(rng: Random, *_: object) -> Fault:
    mv = rng.choice((2500, 2800, 2950))
    return Fault("low-3v3", f"3.3 V regulator gives {mv} mV", board={"regulator_mv": {"v3v3": mv}})


def _dead_3v3(_rng: Random, *_: object) -> Fault:
    return Fault("no-3v3", "3.3 V regulator gives nothing", board={"open_rails": frozenset({"v3v3"})})


def _dead_12v(_rng: Random, *_: object) -> Fault:
    return Fault("no-12v", "12 V converter gives nothing", board={"open_rails": frozenset({"v12"})})


def _reversed(_rng: Random, *_: object) -> Fault:
    return Fault("reversed", "the supply is reversed", board={"supply_reversed": True})


def _low_supply(rng: Random, *_: object) -> Fault:
    mv = rng.choice((9_000, 12_000))
    return Fault("low-supply", f"the supply gives {mv} mV", board={"supply_mv": mv})


def _backfeed(rng: Random, *_: object) -> Fault:
    rail, mv = rng.choice((("v3v3", 3300), ("v3v3", 1800), ("v12", 9000)))
    return Fault("backfeed", f"a second source of {mv} mV on {rail}", board={"backfeeds": {rail: Backfeed(mv, 100.0)}})


def _core_supply_dead(_rng: Random, *_: object) -> Fault:
    return Fault("no-vcap", "the core regulator's input is open", board={"core_supply_dead": True})


def _dip(rng: Random, *_: object) -> Fault:
    in_work = rng.random() < 0.7
    at_ms = rng.uniform(0, 800) if in_work else rng.uniform(900, 6000)
    for_ms, ohm = rng.choice(((30.0, 0.5), (5.0, 0.3), (80.0, 0.5)))
    when = "after the flash's first work" if in_work else "after power-on"
    return Fault("dip", f"3.3 V dips {at_ms:.0f} ms {when} for {for_ms:g} ms",
                 board={"dip": Dip("v3v3", at_ms, for_ms, ohm, in_work)}, mendable=True)  # fmt: skip


# --- around the chip ---


def _dead_crystal(_rng: Random, _layout: Layout, _board: Board, image: Build, history: History) -> Fault | None:
    """Also where this firmware needs none: then it hurts nobody."""
    if not image.flags & USES_CRYSTAL:
        return None
    return Fault("crystal", "the crystal does not start", config={"crystal_start_ms": None})


def _nrst_held(_rng: Random, *_: object) -> Fault:
    return Fault("nrst-held", "something on the board holds NRST low", board={"nrst_held": True})


def _nrst_pulses(rng: Random, *_: object) -> Fault:
    period_ms = float(rng.choice((100, 250, 600)))
    return Fault("nrst-pulses", f"a supervisor fires every {period_ms:g} ms", board={"nrst_pulse_period_ms": period_ms})


def _strap(_rng: Random, *_: object) -> Fault:
    return Fault("boot0-strap", "BOOT0 is bridged to 3.3 V", board={"boot0_strapped": True})


def _latch_shorted(_rng: Random, *_: object) -> Fault:
    return Fault("latch-shorted", "the latch's MOSFET is shorted", board={"latch_shorted": True})


# --- wires and helper: a person takes them away ---


def _swapped(_rng: Random, *_: object) -> Fault:
    return Fault("wire-swapped", "SWDIO and SWCLK are exchanged", board={"swd_swapped": True}, mendable=True)


def _open(_rng: Random, *_: object) -> Fault:
    return Fault("wire-open", "SWDIO is open", board={"swdio_open": True}, mendable=True)


def _noise(rng: Random, *_: object) -> Fault:
    rate = 10 ** rng.uniform(-7.5, -3.8)
    return Fault("wire-noise", f"SWD bits flip with {rate:.1e} at 1 MHz", board={"swd_bit_error_rate": rate},
                 mendable=True)  # fmt: skip


def _doubled(rng: Random, *_: object) -> Fault:
    rate = 10 ** rng.uniform(-5.5, -3.2)
    return Fault("wire-doubled", f"SWCLK rings: counted twice with {rate:.1e} a cycle at 4 MHz",
                 board={"swd_extra_clock_rate": rate}, mendable=True)  # fmt: skip


def _contact(rng: Random, *_: object) -> Fault:
    kind = rng.randrange(3)
    if kind == 0:
        loss = ContactLoss(rng.uniform(300, 4000), rng.choice((5.0, 80.0, 500.0)))
    elif kind == 1:
        loss = ContactLoss(rng.uniform(0, 1500), rng.choice((2.0, 30.0, 500.0)), in_flash_work=True)
    else:
        loss = ContactLoss(rng.uniform(300, 1500), rng.choice((1.0, 20.0)), every_ms=rng.choice((150.0, 700.0, 2500.0)))
    when = " in flash work" if loss.in_flash_work else ""
    again = "" if loss.every_ms is None else f", every {loss.every_ms:g} ms"
    return Fault("wire-contact", f"SWCLK loses contact at {loss.at_ms:.0f} ms{when} for {loss.for_ms:g} ms{again}",
                 board={"contact_loss": loss}, mendable=True)  # fmt: skip


def _nrst_high(_rng: Random, *_: object) -> Fault:
    return Fault("nrst-stuck", "NRST is shorted to 3.3 V", board={"nrst_stuck_high": True})


def _sense_open(rng: Random, _layout: Layout, board: Board, *_: object) -> Fault | None:
    rail = rng.choice(("v3v3", "vcap", "v12", "bplus", "v5iso"))
    if rail in board.traits.helper.missing_rails:
        return None
    return Fault(f"sense-{rail}", f"the sense wire of {rail} is off", board={"sense_open": frozenset({rail})},
                 mendable=True)  # fmt: skip


def _sense_low(rng: Random, _layout: Layout, board: Board, *_: object) -> Fault | None:
    rail = rng.choice(("v3v3", "vcap", "v12", "bplus"))
    ratio = rng.choice((0.5, 0.7, 0.85))
    if rail in board.traits.helper.missing_rails:
        return None
    return Fault(f"sense-{rail}", f"the divider of {rail} reads {ratio:g} of it", board={"sense_ratio": {rail: ratio}},
                 mendable=True)  # fmt: skip


def _spikes(_rng: Random, *_: object) -> Fault:
    return Fault("adc-spikes", "one reading of the helper's ADC in 500 is off by 40 LSB",
                 board={"helper": {"adc_spike_rate": 0.002, "adc_spike_lsb": 40.0}}, mendable=True)  # fmt: skip


# --- flash and option bytes ---


def _owned(layout: Layout, image: Build) -> range:
    return layout.sectors_of(image.base, image.length)


def _worn(rng: Random, layout: Layout, _board: Board, image: Build, _history: History) -> Fault:
    sector = rng.choice(list(_owned(layout, image)))
    how: Wear = rng.choice(("erase", "program"))

    def breaks(unit: Unit) -> None:
        unit.chip.flash.worn[sector] = how

    return Fault("worn", f"sector {sector} fails to {how}", breaks=breaks, sectors=frozenset({sector}))


def _slow(rng: Random, layout: Layout, _board: Board, image: Build, _history: History) -> Fault:
    sector = rng.choice(list(_owned(layout, image)))
    ms = rng.choice((3_000.0, 6_000.0))

    def breaks(unit: Unit) -> None:
        unit.chip.flash.slow_erase_ms[sector] = ms

    return Fault("slow-erase", f"sector {sector} takes {ms:g} ms to erase", breaks=breaks, sectors=frozenset({sector}))


def _weak(rng: Random, layout: Layout, _board: Board, _image: Build, _history: History) -> Fault:
    geometry = layout.geometry
    places = [geometry.base + rng.randrange(geometry.size) for _ in range(rng.choice((1, 3)))]

    def breaks(unit: Unit) -> None:
        for address in places:
            if unit.chip.flash.state[unit.chip.flash.word_index(address)] == 1:
                unit.chip.flash.weaken(address)

    return Fault("weak", f"{len(places)} word(s) with an error that the ECC corrects", breaks=breaks)


def _torn_own(rng: Random, layout: Layout, _board: Board, _image: Build, _history: History) -> Fault:
    area = rng.choice(layout.own)
    address = area.address + rng.randrange(area.length)
    sectors = frozenset(layout.sectors_of(address, 1))
    return Fault("torn-own", f"a half-written word at 0x{address:08x} in the unit's {area.name}",
                 breaks=lambda unit: unit.chip.flash.tear(address), sectors=sectors)  # fmt: skip


def _options(**changed: int) -> Callable[[Unit], None]:
    def breaks(unit: Unit) -> None:
        unit.chip.options.preset(replace(unit.chip.options.stored, **changed))

    return breaks


def _wrp(rng: Random, layout: Layout, _board: Board, image: Build, _history: History) -> Fault:
    per_bit = 4 if layout.part == "H7B0" else 1
    bits = {sector // per_bit for sector in _owned(layout, image)}
    chosen = {bit for bit in bits if rng.random() < 0.7} or {min(bits)}
    mask = sum(1 << bit for bit in chosen)
    sectors = frozenset(sector for bit in chosen for sector in range(bit * per_bit, (bit + 1) * per_bit))

    def breaks(unit: Unit) -> None:
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, wpsn=stored.wpsn & ~mask))

    return Fault("wrp", f"sectors {sorted(sectors)} are write-protected", breaks=breaks, sectors=sectors)


def _rdp1(_rng: Random, *_: object) -> Fault:
    def breaks(unit: Unit) -> None:
        unit.chip.options.preset(unit.chip.options.stored.with_rdp(0x00))

    return Fault("rdp1", "read protection level 1", breaks=breaks)


def _rdp2(_rng: Random, *_: object) -> Fault:
    def breaks(unit: Unit) -> None:
        unit.chip.options.preset(unit.chip.options.stored.with_rdp(0xCC))

    return Fault("rdp2", "read protection level 2", breaks=breaks)


def _secure(_rng: Random, *_: object) -> Fault:
    def breaks(unit: Unit) -> None:
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, optsr=stored.optsr | 1 << 21))

    return Fault("secure", "the SECURITY option bit is set", breaks=breaks)


def _pcrop(rng: Random, layout: Layout, _board: Board, image: Build, _history: History) -> Fault:
    whole = rng.random() < 0.4
    sector = rng.choice(list(_owned(layout, image)))
    unit_bytes = 256
    per_sector = layout.geometry.sector_size // unit_bytes
    start, end = (0, 0) if whole else (sector * per_sector, (sector + 1) * per_sector - 1)
    sectors = frozenset(range(layout.geometry.sectors) if whole else {sector})
    words = "the whole bank is execute-only (PCROP)" if whole else f"sector {sector} is execute-only (PCROP)"
    return Fault("pcrop", words, breaks=_options(prar=1 << 31 | end << 16 | start), sectors=sectors)


def _secure_area(rng: Random, layout: Layout, _board: Board, image: Build, _history: History) -> Fault:
    sector = rng.choice(list(_owned(layout, image)))
    per_sector = layout.geometry.sector_size // 256
    start, end = sector * per_sector, (sector + 1) * per_sector - 1
    return Fault("secure-area", f"sector {sector} is a secure-only area", breaks=_options(scar=end << 16 | start),
                 sectors=frozenset({sector}))  # fmt: skip


def _boot_address(rng: Random, layout: Layout, *_: object) -> Fault:
    boot = rng.choice((0x1FF01FF0, 0x1FF02400, 0x1FF00804))
    return Fault("boot-address", f"BOOT_ADD0 is 0x{(boot & 0xFFFF) << 16:08x}", breaks=_options(boot=boot))


def _watchdog_option(_rng: Random, *_: object) -> Fault:
    def breaks(unit: Unit) -> None:
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, optsr=stored.optsr & ~IWDG1_SW))

    return Fault("iwdg-option", "the option byte starts the watchdog at reset", breaks=breaks)


def _bor(rng: Random, *_: object) -> Fault:
    level = rng.choice((1, 2, 3))

    def breaks(unit: Unit) -> None:
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, optsr=stored.optsr & ~0xC | level << 2))

    return Fault("bor-option", f"brown-out level {level}", breaks=breaks)


def _other_chip(rng: Random, layout: Layout, *_: object) -> Fault:
    others = {"H7B0": 0x483, "H730": 0x480, "H725": 0x450, "H743": 0x483}
    return Fault("wrong-chip", f"another die: DEV_ID 0x{others[layout.part]:03x}",
                 config={"device_id": others[layout.part]})  # fmt: skip


def _other_size(_rng: Random, layout: Layout, *_: object) -> Fault | None:
    if layout.part != "H725":
        return None
    return Fault("wrong-chip", "half the flash", config={"flash_size_kib": 512})


def _other_family(rng: Random, *_: object) -> Fault:
    family = rng.choice(("h5", "m4-clone"))
    return Fault("wrong-chip", f"another family ({family})", config={"family": family})


# --- the card and the helper's own supply ---


def _card_pulled(rng: Random, *_: object) -> Fault:
    at = int(10 ** rng.uniform(0.0, 2.6))
    return Fault("card-pulled", f"the card is pulled at its write {at}", card=CardFaults(pull_at_write=at),
                 mendable=True)  # fmt: skip


def _helper_cut(rng: Random, *_: object) -> Fault:
    at = int(10 ** rng.uniform(0.0, 2.6))
    return Fault("helper-cut", f"the helper loses its supply in its card's write {at}",
                 card=CardFaults(cut_at_write=at), mendable=True)  # fmt: skip


def _card_unreadable(_rng: Random, *_: object) -> Fault:
    return Fault("card-unreadable", "the card cannot be read", card=CardFaults(unreadable=True), mendable=True)


def _card_flipped(rng: Random, *_: object) -> Fault:
    return Fault("card-flipped", "a bit of the image on the card is another one", flipped_at=rng.random())


MENU: Final[tuple[tuple[str, float, str, Maker], ...]] = (
    # name, weight, group (at most one of each), maker
    ("no-supply", 1, "supply", _no_supply),
    ("short", 2, "supply", _short),
    ("low-3v3", 2, "supply", _low_3v3),
    ("no-3v3", 1, "supply", _dead_3v3),
    ("no-12v", 1, "supply", _dead_12v),
    ("reversed", 1, "supply", _reversed),
    ("low-supply", 1, "supply", _low_supply),
    ("backfeed", 2, "supply", _backfeed),
    ("no-vcap", 1, "supply", _core_supply_dead),
    ("dip", 4, "supply", _dip),
    ("crystal", 8, "crystal", _dead_crystal),
    ("nrst-held", 2, "nrst", _nrst_held),
    ("nrst-pulses", 2, "nrst", _nrst_pulses),
    ("boot0-strap", 4, "boot0", _strap),
    ("latch-shorted", 2, "latch", _latch_shorted),
    ("wire-swapped", 1, "wires", _swapped),
    ("wire-open", 1, "wires", _open),
    ("wire-noise", 6, "wires", _noise),
    ("wire-doubled", 6, "wires", _doubled),
    ("wire-contact", 8, "wires", _contact),
    ("nrst-stuck", 2, "nrst", _nrst_high),
    ("sense-open", 3, "sense", _sense_open),
    ("sense-low", 3, "sense", _sense_low),
    ("adc-spikes", 2, "sense", _spikes),
    ("worn", 4, "cells", _worn),
    ("slow-erase", 3, "cells", _slow),
    ("weak", 4, "weak", _weak),
    ("torn-own", 5, "own", _torn_own),
    ("wrp", 5, "protection", _wrp),
    ("rdp1", 3, "protection", _rdp1),
    ("rdp2", 2, "protection", _rdp2),
    ("secure", 1, "protection", _secure),
    ("pcrop", 4, "protection", _pcrop),
    ("boot-address", 3, "options", _boot_address),
    ("iwdg-option", 4, "options", _watchdog_option),
    ("bor-option", 2, "options", _bor),
    ("wrong-die", 2, "chip", _other_chip),
    ("wrong-size", 1, "chip", _other_size),
    ("other-family", 2, "chip", _other_family),
    ("card-pulled", 3, "card", _card_pulled),
    ("helper-cut", 3, "card", _helper_cut),
    ("card-unreadable", 1, "card", _card_unreadable),
)

LATER: Final[tuple[tuple[str, float, str, Maker], ...]] = (
    # What was added after the first campaigns has a draw of its own, so that the seeds of those stay what they were.
    ("secure-area", 2, "protection", _secure_area),
    ("card-flipped", 1, "card", _card_flipped),
)
_LATER_SHARE: Final = 0.04


def _seldom(rng: Random, *_: object) -> Fault:
    period_ms = float(rng.choice((3_000, 5_000, 6_000)))
    return Fault("nrst-seldom", f"a supervisor fires every {period_ms:g} ms", board={"nrst_pulse_period_ms": period_ms})


def _always_watching(_rng: Random, *_: object) -> Fault:
    return Fault("watchdog-always", "a watchdog chip of 1600 ms that counts also while its input floats",
                 board={"watchdog_ms": 1600.0, "watchdog_off_when_floating": False})  # fmt: skip


def _silent(rng: Random, *_: object) -> Fault:
    ms = float(rng.choice((3_000, 5_000)))
    return Fault("afe-silent", f"the front end takes 3.3 V away {ms:g} ms after power-on when it hears nothing",
                 board={"afe_watchdog_ms": ms})  # fmt: skip


TAKEN_AWAY: Final[tuple[Maker, ...]] = (_seldom, _always_watching, _silent)
"""What takes the unit away while it is worked on. With a draw of its own, for the same reason."""
_TAKEN_AWAY_SHARE: Final = 0.02


def draw_taken_away(rng: Random, layout: Layout, board: Board, image: Build, history: History) -> tuple[Fault, ...]:
    """One fault of `TAKEN_AWAY`, seldom."""
    if rng.random() >= _TAKEN_AWAY_SHARE:
        return ()
    fault = rng.choice(TAKEN_AWAY)(rng, layout, board, image, history)
    return () if fault is None else (fault,)


def draw_later(rng: Random, layout: Layout, board: Board, image: Build, history: History) -> tuple[Fault, ...]:
    """One fault of `LATER`, seldom."""
    if rng.random() >= _LATER_SHARE:
        return ()
    _name, _weight, _group, maker = rng.choices(LATER, [weight for _, weight, _, _ in LATER])[0]
    fault = maker(rng, layout, board, image, history)
    return () if fault is None else (fault,)
