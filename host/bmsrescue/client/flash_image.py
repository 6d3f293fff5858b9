"""Writes, verifies and backs up the unit's flash from the host, sector by sector.

The dongle's job does more (evidence, diagnosis, journal, proof); this is for an engineer who knows what he wants. What
the image does not cover of an erased sector is kept, and what is erased was saved on the host before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from bmsrescue.client.helper import FlashInfo, Helper, consent_words
from bmsrescue.client.session import SLOW_S
from bmsrescue.errors import UsageError
from bmsrescue.image.contents import Segment
from bmsrescue.image.read import WORD_BYTES
from rescuelink.rpc import WINDOW_BYTES

Progress = Callable[[str, int, int], None]  # what, done, total in bytes

_ERASED = b"\xff"
_HOLD_S = 15.0


@dataclass
class SectorContents:
    """A sector as it was read: torn flash words are 0xFF in `data`, and listed."""

    index: int
    address: int
    data: bytes
    torn: list[int]

    @property
    def blank(self) -> bool:
        return not self.torn and self.data.count(_ERASED) == len(self.data)


@dataclass
class FlashPlan:
    """What has to be done so that the flash holds the image: `wanted` are whole sectors, `before` as they were."""

    wanted: list[SectorContents]
    before: list[SectorContents]
    matching: list[int]

    @property
    def erase(self) -> list[int]:
        """Sectors that have to be erased."""
        return [sector.index for sector in self.before if not sector.blank]

    def lines(self) -> list[str]:
        """For a person, before anything is done."""
        lines = [
            f"{'write' if before.blank else 'erase and write'} sector {before.index}"
            + (f" ({len(before.torn)} torn flash words)" if before.torn else "")
            for before in self.before
        ]
        if self.matching:
            lines.append(f"leave sectors {', '.join(map(str, self.matching))}: they hold the image already")
        return lines or ["nothing: the flash holds no sector of this image"]


def read_sectors(
    helper: Helper, sectors: list[tuple[int, int, int]], progress: Progress, what: str
) -> list[SectorContents]:
    """The contents of whole sectors."""
    total = sum(size for _index, _address, size in sectors)
    done = 0
    contents = []
    for index, address, size in sectors:
        data = bytearray()
        torn: list[int] = []
        while len(data) < size:
            window, damaged = helper.flash_window(address + len(data), min(WINDOW_BYTES, size - len(data)))
            data += window
            torn += damaged
            done += len(window)
            progress(what, done, total)
        contents.append(SectorContents(index, address, bytes(data), torn))
    return contents


def plan_flash(helper: Helper, segments: list[Segment], progress: Progress) -> FlashPlan:
    """Compare the image with the flash. Raises UsageError when the image lies outside the flash."""
    info = helper.flash_info()
    touched = _touched(info, segments)
    before = read_sectors(helper, touched, progress, "compare")
    wanted, changed, matching = [], [], []
    for sector in before:
        overlaid = _overlay(sector, segments)
        if overlaid == sector.data and not sector.torn:
            matching.append(sector.index)
        else:
            wanted.append(SectorContents(sector.index, sector.address, overlaid, []))
            changed.append(sector)
    return FlashPlan(wanted, changed, matching)


def write_flash(helper: Helper, plan: FlashPlan, progress: Progress) -> None:
    """Carry out the plan: every erase first, the first flash word of the lowest sector last. Raises FlashError.

    Whatever happens the flash is locked again and the consent taken back.
    """
    session = helper.session
    with session.alone(_HOLD_S):
        session.call("flash.consent", consent_words([sector.index for sector in plan.before]))
        try:
            session.call("flash.begin", timeout_s=SLOW_S)
            for done, index in enumerate(plan.erase):
                progress("erase", done, len(plan.erase))
                session.call("flash.erase", index, timeout_s=SLOW_S)
            progress("erase", len(plan.erase), len(plan.erase))
            _program(helper, plan.wanted, progress)
        finally:
            session.call("flash.end")


def verify_flash(helper: Helper, segments: list[Segment], progress: Progress) -> tuple[str, list[int]]:
    """("sha256" or "reading", addresses of segments that differ): by the target's core where it can say.

    Each sector's part of the image on its own, so that a long image shows its progress.
    """
    sectors = helper.flash_info()["sectors"]
    total = sum(len(segment.data) for segment in segments)
    done, how = 0, "sha256"
    differing = []
    for segment in segments:
        holds = True
        for address, data in _parts(segment, sectors):
            found = helper.flash_sha256(address, len(data))
            if found is None:
                how = "reading"
                holds = holds and _read_range(helper, address, len(data)) == data
            else:
                holds = holds and found == sha256(data).digest()
            done += len(data)
            progress("verify", done, total)
        if not holds:
            differing.append(segment.address)
    return how, differing


def _parts(segment: Segment, sectors: list[tuple[int, int, int]]) -> Iterator[tuple[int, bytes]]:
    """(address, bytes) of a segment, cut where the sectors are; one that leaves the flash is given whole."""
    address = segment.address
    for _index, start, size in sectors:
        if start <= address < start + size and address < segment.end:
            end = min(start + size, segment.end)
            yield address, segment.data[address - segment.address : end - segment.address]
            address = end
    if address < segment.end:
        yield address, segment.data[address - segment.address :]


def _program(helper: Helper, sectors: list[SectorContents], progress: Progress) -> None:
    # The very first flash word holds the vector table's start: a cut before it leaves a chip that is plainly blank.
    total = sum(len(sector.data) for sector in sectors)
    done = 0
    first = min(sectors, key=lambda sector: sector.address, default=None)
    for sector in sectors:
        for offset in range(0, len(sector.data), WINDOW_BYTES):
            start = offset + WORD_BYTES if sector is first and offset == 0 else offset
            _program_window(helper, sector, start, min(offset + WINDOW_BYTES, len(sector.data)))
            done += min(WINDOW_BYTES, len(sector.data) - offset)
            progress("write", done, total)
    if first is not None:
        _program_window(helper, first, 0, WORD_BYTES)


def _program_window(helper: Helper, sector: SectorContents, start: int, end: int) -> None:
    data = sector.data[start:end]
    if data.count(_ERASED) != len(data):  # a programmed word of ones could not be written a second time
        helper.session.call("flash.program", sector.address + start, data, True, timeout_s=SLOW_S)


def _read_range(helper: Helper, address: int, length: int) -> bytes | None:
    """The bytes; None when some of them are torn. Whole words come over the link."""
    start, end = address // 4 * 4, (address + length + 3) // 4 * 4
    data = bytearray()
    while start + len(data) < end:
        window, torn = helper.flash_window(start + len(data), min(WINDOW_BYTES, end - start - len(data)))
        if torn:
            return None
        data += window
    return bytes(data[address - start : address - start + length])


def _touched(info: FlashInfo, segments: list[Segment]) -> list[tuple[int, int, int]]:
    sectors = [(index, address, size) for index, address, size in info["sectors"]]
    low, high = sectors[0][1], sectors[-1][1] + sectors[-1][2]
    for segment in segments:
        if segment.address < low or segment.end > high:
            raise UsageError(
                f"the image has bytes at 0x{segment.address:08x}, the flash is 0x{low:08x} to 0x{high - 1:08x}",
                "Choose the image for this unit.",
            )
    return [
        sector
        for sector in sectors
        if any(segment.address < sector[1] + sector[2] and sector[1] < segment.end for segment in segments)
    ]


def _overlay(sector: SectorContents, segments: list[Segment]) -> bytes:
    data = bytearray(sector.data)
    end = sector.address + len(data)
    for segment in segments:
        start, stop = max(segment.address, sector.address), min(segment.end, end)
        if start < stop:
            piece = segment.data[start - segment.address : stop - segment.address]
            data[start - sector.address : stop - sector.address] = piece
    return bytes(data)
