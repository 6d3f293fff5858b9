"""What in good units' flashes is firmware, and what is each unit's own: the map from which the job is made.

Told apart by what differs between siblings, by seals, by the unit's own numbers; what nothing tells apart stays the
unit's. A flash word is the smallest thing that can be written: one that holds both counts as the unit's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bmsrescue.image.contents import Segment
from bmsrescue.image.inspect import sealed_blocks
from bmsrescue.image.markers import find_markers
from bmsrescue.image.whole_flash import Span, islands
from bmsrescue.sibling.good import Backup, SiblingError
from bmsrescue.sibling.programs import program_islands, sealed_span, tables
from bmsrescue.sibling.seals import crc32_blocks_that_end, seal_of
from rescuelink.targets import FLASH_BASE, TARGETS

Kind = Literal["image", "own", "unknown"]

_MOST_PLACES = 8  # at which two units of one firmware may differ inside it
_NEAR_BYTES = 128  # what differs nearer to each other is one place
_SEAL_REACH = 8 * 1024
_FIRMWARE_BYTES = 8 * 1024  # no settings are as long and the same in two units
_SERIAL = re.compile(
    rb"(?<![\x20-\x7e])(?=[\x20-\x7e]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 _/-]{0,20}?\d{6,12}(?=[\x00\xff])"
)
_COUNTING = (b"012345", b"123456")


@dataclass(frozen=True)
class Part:
    """`kind`: "image" is taken from the good unit, "own" and "unknown" stay the unit's. `why`: in words."""

    start: int
    end: int
    kind: Kind
    why: str
    exact: Span | None = None  # the bytes in it that are the unit's own, where its first and last word hold others too

    @property
    def address(self) -> int:
        return FLASH_BASE + self.start

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class FlashMap:
    """parts: by address; what is in none of them is erased. is_whole: each program's end is known by its own seal.

    told_by: how own data were told apart, in words; empty where nothing could.
    """

    units: tuple[Backup, ...]
    parts: tuple[Part, ...]
    is_whole: bool
    told_by: str

    @property
    def good(self) -> Backup:
        return self.units[0]

    def of(self, kind: Kind) -> list[Part]:
        return [part for part in self.parts if part.kind == kind]


def map_of(units: Sequence[Backup], take: Iterable[Span] = (), keep: Iterable[Span] = ()) -> FlashMap:
    """The map of `units`, siblings of one kind; `take`, `keep`: what a person knows to be firmware, or own.

    Raises:
        SiblingError: they are not of one kind, or run different firmware.
    """
    check_siblings(units)
    good, word = units[0], TARGETS[units[0].chip].word_bytes
    found = islands(_any_data(units), word)
    programs = program_islands(good, found)
    differing = _differing(units, word)
    starts = tables(good)
    seals = [seal for at in starts if (seal := _common_seal(units, at)) is not None]
    parts: list[Part] = []
    for span in found:
        inside = [place for place in differing if place.touches(span)]
        here = [at for at in starts if span.holds(at)]
        if not here and any(seal.start <= span.start and span.end < seal.end + word for seal in seals):
            parts.append(Part(span.start, span.end, "image", "inside the program's own seal"))
        elif span in programs:
            _check_one_build(units, span, inside)
            ends = [seal.end for seal in seals if any(seal.holds(at) for at in here)]
            sealed = bool(here) and all(any(seal.holds(at) for seal in seals) for at in here)
            parts += _of_program(units, span, inside, max(ends) if sealed else None, word)
        else:
            parts.append(_of_data(units, span, inside))
    parts = _asked(parts, take, "image", "taken as asked", word)
    parts = _asked(parts, keep, "own", "kept as asked", word)
    whole = all(any(seal.holds(at) for seal in seals) for at in starts)
    return FlashMap(tuple(units), tuple(parts), whole, _told_by(units, whole, parts))


def check_siblings(units: Sequence[Backup]) -> None:
    """Raises SiblingError where units cannot be held against each other."""
    first = units[0]
    for other in units[1:]:
        for what, ours, theirs in (
            ("chips", first.chip, other.chip),
            ("flash sizes", f"{first.flash_kib} KiB", f"{other.flash_kib} KiB"),
            ("boot addresses", f"0x{first.boot_address:08x}", f"0x{other.boot_address:08x}"),
        ):
            if ours != theirs:
                raise SiblingError(
                    f"{first.name} and {other.name} have different {what}: {ours} and {theirs}",
                    "They are no siblings. Give units of one kind.",
                )
        if other.data == first.data or (other.uid and other.uid == first.uid):
            raise SiblingError(
                f"{first.name} and {other.name} are of the same unit",
                "Two backups of one unit tell nothing of what is its own. Give another unit's, or one alone.",
            )


def _any_data(units: Sequence[Backup]) -> bytes:
    # Erased only where all are.
    if len(units) == 1:
        return units[0].data
    size = len(units[0].data)
    both = (1 << 8 * size) - 1
    for unit in units:
        both &= int.from_bytes(unit.data, "little")
    return both.to_bytes(size, "little")


def _differing(units: Sequence[Backup], word: int) -> list[Span]:
    # Flash words in which any two differ; near ones are one place.
    places: list[Span] = []
    first = units[0].data
    for block in range(0, len(first), 4096):
        if all(unit.data[block : block + 4096] == first[block : block + 4096] for unit in units[1:]):
            continue
        for at in range(block, block + 4096, word):
            if any(unit.data[at : at + word] != first[at : at + word] for unit in units[1:]):
                if places and at - places[-1].end <= _NEAR_BYTES:
                    places.append(Span(places.pop().start, at + word))
                else:
                    places.append(Span(at, at + word))
    return places


def _common_seal(units: Sequence[Backup], table: int) -> Span | None:
    found = [sealed_span(unit.data, table) for unit in units]
    known = [seal for seal in found if seal is not None]
    if not known:
        return None
    for unit, seal in zip(units, found, strict=True):
        if seal is None:
            other = units[found.index(known[0])]
            raise SiblingError(
                f"the program at 0x{FLASH_BASE + table:08x} is whole by its own seal in {other.name}, "
                f"and not in {unit.name}",
                f"{unit.name} has other or damaged firmware. Leave it out.",
            )
    return known[0] if len(set(known)) == 1 else None


def _check_one_build(units: Sequence[Backup], span: Span, places: Sequence[Span]) -> None:
    first = units[0]
    if not places:
        return
    ours = _names_in(first, span)
    for other in units[1:]:
        theirs = _names_in(other, span)
        for address in sorted(ours.keys() | theirs.keys()):
            mine, its = ours.get(address), theirs.get(address)
            if mine != its and (mine or its or ("", ""))[0] != "product":
                raise _other_firmware(first, other, f"0x{address:08x}: {_words(mine)} and {_words(its)}")
            if mine is not None and its is not None and mine != its and not _is_serial(mine[1]):
                raise _other_firmware(first, other, f"0x{address:08x}: {_words(mine)} and {_words(its)}")
        if first.data[span.start : span.start + 64] != other.data[span.start : span.start + 64]:
            raise _other_firmware(first, other, f"other vectors at 0x{FLASH_BASE + span.start:08x}")
    if len(places) > _MOST_PLACES or sum(p.end - p.start for p in places) > (span.end - span.start) // 2:
        raise _other_firmware(first, units[1], f"other bytes in {len(places)} places of their code")


def _names_in(unit: Backup, span: Span) -> dict[int, tuple[str, str]]:
    markers = find_markers([Segment(FLASH_BASE + span.start, unit.data[span.start : span.end])])
    return {marker.address: (marker.kind, marker.text) for marker in markers}


def _words(name: tuple[str, str] | None) -> str:
    return "nothing" if name is None else f"{name[0]} {name[1]}"


def _other_firmware(first: Backup, other: Backup, what: str) -> SiblingError:
    return SiblingError(
        f"{first.name} and {other.name} run different firmware ({what})",
        "Nothing can be mixed from two firmwares. Give siblings that run the same one, or one alone.",
    )


def _is_serial(text: str) -> bool:
    return sum(char.isdigit() for char in text) >= 5


def _of_program(units: Sequence[Backup], span: Span, places: Sequence[Span], seal: int | None, word: int) -> list[Part]:
    good = units[0]
    if seal is not None and any(place.start < seal for place in places):
        raise _other_firmware(good, units[1], "each is whole by its own seal, and they hold other bytes")
    end = span.end if seal is None else min(span.end, -(-seal // word) * word)
    own = [
        Part(place.start, place.end, "own", "differs between the siblings", _exact(units, place))
        for place in _grown(units, places, word)
    ]
    if seal is None:
        own += _numbers(good, span, word)
        own += _sealed_inside(good, span, word)
    elif end < span.end:
        rest = Span(end, span.end)
        own.append(_of_data(units, rest, [place for place in places if place.touches(rest)]))
    why = "program, whole by its own seal" if seal is not None else "program"
    return _cut(Span(span.start, span.end), own, why)


def _exact(units: Sequence[Backup], place: Span) -> Span:
    first = units[0].data
    bytes_that_differ = [
        at for at in range(place.start, place.end) if any(unit.data[at] != first[at] for unit in units[1:])
    ]
    return Span(bytes_that_differ[0], bytes_that_differ[-1] + 1)


def _grown(units: Sequence[Backup], places: Sequence[Span], word: int) -> list[Span]:
    # A place to the block that its seal closes, where there is one: what is equal in two units need not be in a third.
    found: list[Span] = []
    for place in places:
        start, end = place.start, place.end
        for close in range(place.end - word, place.end + word + 4, 4):
            opens = {crc32_blocks_that_end(unit.data, close, 16, _SEAL_REACH) for unit in units}
            if len(opens) == 1 and None not in opens:
                start = min(start, (opens.pop() or 0) // word * word)
                end = max(end, -(-close // word) * word)
        if found and start <= found[-1].end:
            start, end = min(start, found[-1].start), max(end, found.pop().end)
        found.append(Span(start, end))
    return found


def _sealed_inside(good: Backup, span: Span, word: int) -> list[Part]:
    """Sealed blocks inside a program that has no seal itself: at round addresses, and at its very end."""
    found = []
    for block in sealed_blocks([Segment(FLASH_BASE + span.start, good.data[span.start : span.end])]):
        opens_at = block.address - FLASH_BASE
        if opens_at > span.start:
            end = opens_at + block.length
            found.append(Part(opens_at, -(-end // word) * word, "own", "sealed (CRC-32), inside the program"))
    end = span.end
    while True:
        start: int | None = next(
            (
                opens
                for close in range(end, end - word, -4)
                if (opens := crc32_blocks_that_end(good.data[span.start : close], close - span.start)) is not None
            ),
            None,
        )
        if not start or start % 4:
            return found
        low = (span.start + start) // word * word
        found.append(Part(low, end, "own", "sealed (CRC-32), behind the program"))
        end = low


def _numbers(good: Backup, span: Span, word: int) -> list[Part]:
    found = []
    data = good.data[span.start : span.end]
    for number in _forms_of(good.uid):
        for match in re.finditer(re.escape(number), data):
            found.append((match.start(), match.end(), "the chip's own number (UID)"))
    for match in _SERIAL.finditer(data):
        if not any(run in match[0] for run in _COUNTING):
            found.append((match.start(), match.end(), f"like a serial number: {match[0].decode('ascii')}"))
    return [
        Part(
            span.start + low // word * word,
            span.start + -(-high // word) * word,
            "own",
            why,
            Span(span.start + low, span.start + high),
        )
        for low, high, why in found
    ]


def _forms_of(uid: str) -> list[bytes]:
    # As words from the highest, which is how bmsrescue writes it; and in the order of memory.
    if not re.fullmatch(r"[0-9A-Fa-f]{24}", uid) or len(set(bytes.fromhex(uid))) < 4:
        return []  # unknown, or no number that a chip would have
    words = [uid[at : at + 8] for at in (16, 8, 0)]
    raw = b"".join(bytes.fromhex(word)[::-1] for word in words)
    texts = {uid, "".join(words), raw.hex()}
    return [raw, *(form.encode() for text in texts for form in (text.upper(), text.lower()))]


def _of_data(units: Sequence[Backup], span: Span, places: Sequence[Span]) -> Part:
    good = units[0]
    if places:
        return Part(span.start, span.end, "own", "differs between the siblings" + _with_seal(good, span))
    seal = _with_seal(good, span)
    if seal:
        return Part(span.start, span.end, "own", "data" + seal)
    numbers = _numbers(good, span, 1)
    if numbers:
        return Part(span.start, span.end, "own", numbers[0].why)
    if len(units) > 1 and span.end - span.start > _FIRMWARE_BYTES:
        return Part(span.start, span.end, "image", "the same in all siblings, and too long for settings")
    why = "the same in all siblings: settings, or tables of the firmware" if len(units) > 1 else "data without a seal"
    return Part(span.start, span.end, "unknown", why)


def _with_seal(good: Backup, span: Span) -> str:
    text = good.data[span.start : span.end].rstrip(b"\xff")
    for end in (len(text), -(-len(text) // 4) * 4):
        block = good.data[span.start : span.start + end]
        name = seal_of(block)
        if name is None and end >= 32:
            name = "CRC-32" if crc32_blocks_that_end(block, end) is not None else None
        if name is not None:
            return f", sealed ({name})"
    return ""


def _cut(span: Span, own: Sequence[Part], why: str) -> list[Part]:
    parts, at = [], span.start
    for part in sorted(own, key=lambda part: (part.start, part.end)):
        start = max(part.start, at)
        if start >= part.end:
            continue
        if at < start:
            parts.append(Part(at, start, "image", why))
        parts.append(Part(start, part.end, part.kind, part.why, part.exact))
        at = part.end
    if at < span.end:
        parts.append(Part(at, span.end, "image", why))
    return parts


def _asked(parts: list[Part], spans: Iterable[Span], kind: Kind, why: str, word: int) -> list[Part]:
    for span in spans:
        low, high = span.start // word * word, -(-span.end // word) * word
        if kind == "image" and span.end == span.start:  # an address alone: the part that lies there
            low, high = next(((p.start, p.end) for p in parts if p.start <= span.start < p.end), (low, low))
        rest = []
        for part in parts:
            if part.end <= low or high <= part.start:
                rest.append(part)
                continue
            if part.start < low:
                rest.append(Part(part.start, low, part.kind, part.why))
            if high < part.end:
                rest.append(Part(high, part.end, part.kind, part.why))
        if high > low:
            rest.append(Part(low, high, kind, why))
        parts = sorted(rest, key=lambda part: part.start)
    return parts


def _told_by(units: Sequence[Backup], whole: bool, parts: Sequence[Part]) -> str:
    if len(units) > 1:
        return f"what differs between {len(units)} units"
    if whole:
        return "the program's own seal"
    return "seals and numbers" if any(part.kind == "own" for part in parts) else ""
