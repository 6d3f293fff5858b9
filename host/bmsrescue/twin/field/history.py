"""What happened to a unit's flash before it came to the bench."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.scenarios import unit_programs as programs

from .case import History
from .images import CODE_OFFSET, MARKER_OFFSET, SHORTEST, Build
from .layout import Layout

SHARES: Final = (
    ("in-order", 15),
    ("older", 6),
    ("newer", 5),
    ("sister", 6),
    ("unknown", 5),
    ("cut", 28),
    ("blank", 7),
    ("torn", 6),
    ("damaged", 6),
    ("crashing", 9),
    ("bad-vectors", 3),
    ("waiting", 5),
)


def draw_history(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    """One history. `image` is what the job brings, `second` its second segment."""
    names, weights = zip(*SHARES, strict=True)
    kind = rng.choices(names, weights)[0]
    if kind == "waiting" and layout.bootloader is None:
        kind = "cut"
    return _MAKERS[kind](rng, layout, image, second)


def other_version(rng: Random, image: Build, *, newer: bool) -> Build:
    """Another release of the same product: another length, or the same with other data under its seal."""
    major, minor, patch = (int(part) for part in image.version.split("."))
    version = f"{major}.{minor + 1}.{patch}" if newer else f"{major}.{minor - 1}.{patch + rng.randrange(3)}"
    length = image.length if rng.random() < 0.5 else max(SHORTEST, image.length + rng.choice((-512, -37, 24, 300)))
    return replace(image, version=version, length=length)


def _put(unit: Unit, layout: Layout, build: Build, second: bytes) -> None:
    unit.chip.flash.load(build.base, build.data())
    if second and layout.second is not None:
        unit.chip.flash.load(layout.second.address, second)


def second_of(build: Build, second: bytes) -> bytes:
    """The second segment that belongs to another build: as long, other data."""
    return Random(f"second {build.product} {build.version}").randbytes(len(second))


def _in_order(_rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    return History(
        "in-order", f"runs {image.product} {image.version}, the job's image", image,
        lambda unit: _put(unit, layout, image, second),
    )  # fmt: skip


def _older(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    return _whole("older", other_version(rng, image, newer=False), layout, second)


def _newer(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    return _whole("newer", other_version(rng, image, newer=True), layout, second)


def _sister(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    """Another product of the same maker: as long, as sealed, other trip limits."""
    product = image.product[:-2] + rng.choice(("B2", "X9", "LT"))
    return _whole("sister", replace(image, product=product), layout, second)


def _unknown(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    product = rng.choice(("OPENBMS-CORE", "JK PB2A16S", "demo blinky"))
    version = f"{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}"
    build = replace(image, product=product, version=version, length=max(SHORTEST, image.length - rng.randrange(900)))
    return _whole("unknown", build, layout, second)


def _whole(kind: str, build: Build, layout: Layout, second: bytes) -> History:
    words = f"runs {build.product} {build.version}, {kind}"
    return History(kind, words, build, lambda unit: _put(unit, layout, build, second_of(build, second)))


def _blank(_rng: Random, _layout: Layout, _image: Build, _second: bytes) -> History:
    return History("blank", "the application is erased", None, lambda unit: None)


def _cut(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    """An update from an older release to the job's, cut at any instant of its erases and writes."""
    old = other_version(rng, image, newer=False)
    old_second = second_of(old, second)
    pieces = [(image.base, image.data())]
    if second and layout.second is not None:
        pieces.append((layout.second.address, second))
    sectors = sorted({sector for address, data in pieces for sector in layout.sectors_of(address, len(data))})
    own = [sector for area in layout.own for sector in layout.sectors_of(area.address, area.length)]
    erased_first = rng.random() < 0.5  # all sectors, then the writes; else one sector after the other
    boot_last = rng.random() < 0.2
    word = layout.geometry.word_size
    size = layout.geometry.sector_size
    steps: list[tuple[str, int]] = []
    writes: dict[int, list[int]] = {sector: [] for sector in sectors}
    for address, data in pieces:
        for at in range(address, address + len(data), word):
            writes[layout.sector_of(at)].append(at)
    order = sectors[1:] + sectors[:1] if boot_last else sectors
    if erased_first:
        steps += [("erase", sector) for sector in order]
    for sector in order:
        if not erased_first:
            steps.append(("erase", sector))
        steps += [("write", at) for at in writes[sector]]
    # An erase takes as long as thousands of words: an instant falls into one as often as not.
    erases = [index for index, step in enumerate(steps) if step[0] == "erase"]
    at_step = rng.choice(erases) if rng.random() < 0.4 else rng.randrange(len(steps))
    share = rng.random()
    between = rng.random() < 0.3  # two operations: nothing is torn
    new = {at: data[at - address : at - address + word] for address, data in pieces
           for at in range(address, address + len(data), word)}  # fmt: skip

    def breaks(unit: Unit) -> None:
        flash = unit.chip.flash
        kept = {area.address: unit.chip.flash.snapshot()[area.address - layout.geometry.base :][: area.length]
                for area in layout.own}  # fmt: skip
        _put(unit, layout, old, old_second)
        for step, where in steps[:at_step]:
            if step == "erase":
                flash.blank(where)
            else:
                flash.load(where, new[where])
        step, where = steps[at_step]
        if not between and step == "erase":
            whole = flash.geometry.words_per_sector
            first, done = where * whole, int(whole * share)
            flash.erase_words(first, done)
            flash.tear_words(first + done, min(unit.chip.config.erase_cut_band_words, whole - done))
        elif not between:
            flash.load(where, new[where])
            flash.tear(where)
        # The updater keeps what is the unit's own in a sector that it erases.
        for area in layout.own:
            if set(layout.sectors_of(area.address, area.length)) & set(sectors):
                flash.load(area.address, kept[area.address])

    what = f"{steps[at_step][0]} of 0x{steps[at_step][1] if steps[at_step][0] == 'write' else layout.geometry.base + size * steps[at_step][1]:08x}"  # noqa: E501
    words = f"update from {old.version} to {image.version} cut {'before' if between else 'in'} the {what}"
    shared = " (a sector with data of its own)" if set(own) & set(sectors) else ""
    return History("cut", words + shared, old, breaks)


def _torn(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    words = [image.base + rng.randrange(image.length) for _ in range(rng.choice((1, 1, 2, 5)))]

    def breaks(unit: Unit) -> None:
        _put(unit, layout, image, second)
        for address in words:
            unit.chip.flash.tear(address)

    places = ", ".join(f"0x{address:08x}" for address in words)
    return History("torn", f"the job's image with unreadable words at {places}", image, breaks)


def _damaged(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    start = rng.randrange(CODE_OFFSET, image.length - 8)
    length = rng.choice((1, 4, 64, 700))
    flip = rng.randrange(1, 256)

    def breaks(unit: Unit) -> None:
        data = bytearray(image.data())
        for at in range(start, min(start + length, len(data))):
            data[at] ^= flip
        unit.chip.flash.load(image.base, bytes(data))
        if second and layout.second is not None:
            unit.chip.flash.load(layout.second.address, second)

    where = "code" if start < MARKER_OFFSET else "data"
    return History("damaged", f"the job's image with {length} other byte(s) from 0x{image.base + start:08x} ({where})",
                   image, breaks)  # fmt: skip


_CRASHES: Final = (
    ("locks up on an undefined instruction", programs.UNDEFINED, 0),
    ("stays in its fault handler", programs.BAD_READ, programs.BAD_READ_HANDLER),
    ("hangs in a loop", programs.IDLE, 0),
    ("makes outputs of the SWD pins", programs.SWD_PINS, 0),
    ("enters Standby at once", programs.STANDBY, 0),
)
_WRONG_SUPPLY: Final = ("selects a core supply the board has not", b"", 0)


def _crashing(rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    """The job's image but for its code: a build that goes wrong at once."""
    words, program, handler = rng.choice((*_CRASHES, _WRONG_SUPPLY))
    kind = "wrong-supply" if not program else "crashing"
    build = replace(image, version=f"0.9.{rng.randrange(9)}")

    def breaks(unit: Unit) -> None:
        data = bytearray(build.data())
        entry = build.base + CODE_OFFSET
        if program:
            data[CODE_OFFSET : CODE_OFFSET + len(program)] = program
            data[4:8] = (entry | 1).to_bytes(4, "little")
            for vector in range(2, 16):
                data[4 * vector : 4 * vector + 4] = (entry + handler | 1).to_bytes(4, "little")
        else:
            code = _OTHER_SUPPLY[unit.chip.config.board_supply]
            data = bytearray(replace(build, supply=code).data())
        unit.chip.flash.load(build.base, bytes(data))
        if second and layout.second is not None:
            unit.chip.flash.load(layout.second.address, second_of(build, second))

    return History(kind, f"{build.product} {build.version}, which {words}", build, breaks)


_OTHER_SUPPLY: Final = {"ldo": 0x04, "smps": 0x02, "smps_1v8_ldo": 0x02, "smps_2v5_ldo": 0x02, "external": 0x02}


def _bad_vectors(_rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    def breaks(unit: Unit) -> None:
        _put(unit, layout, image, second)
        flash = unit.chip.flash
        index = flash.word_index(image.base)
        flash.erase_words(index, 1)
        flash.program_word(index, bytes(flash.geometry.word_size))

    return History("bad-vectors", "the job's image with zeros for its first flash word", image, breaks)


def _waiting(_rng: Random, layout: Layout, image: Build, second: bytes) -> History:
    def breaks(unit: Unit) -> None:
        _put(unit, layout, image, second)
        if layout.flag_address is None:
            raise ValueError("this layout has no bootloader")
        unit.chip.flash.load(layout.flag_address, FLAG.to_bytes(4, "little").ljust(16, b"\0"))

    return History("waiting", "the bootloader waits for an update; the application is the job's image", image, breaks)


FLAG: Final = 0xB007F1A6

_MAKERS: Final = {
    "in-order": _in_order,
    "older": _older,
    "newer": _newer,
    "sister": _sister,
    "unknown": _unknown,
    "cut": _cut,
    "blank": _blank,
    "torn": _torn,
    "damaged": _damaged,
    "crashing": _crashing,
    "bad-vectors": _bad_vectors,
    "waiting": _waiting,
}
