"""What in an image tells whose firmware it is: product names, versions and build ids, with their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bmsrescue.errors import HostError
from bmsrescue.image.contents import Segment

Kind = Literal["product", "version", "build id"]

_MOST: Final = 12
# A text stands by itself: nothing printable in front of it, and a zero or erased flash behind it.
_TEXT: Final = re.compile(rb"(?<![\x20-\x7e])[\x20-\x7e]{4,64}(?=[\x00\xff]|\Z)")
_VERSION: Final = re.compile(r"[vV]?\d{1,3}(?:\.\d{1,4}){1,3}(?:[-_+.]?[A-Za-z0-9]{1,12})?\Z")
_NAME_AND_VERSION: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*[A-Za-z_-])(\d{1,3}(?:\.\d{1,4}){1,3})\Z")
_PRODUCT: Final = re.compile(r"[A-Z][A-Z0-9]*(?:[-_ /.]?[A-Z0-9]+){0,6}[A-Za-z]?\Z")
_NOTE: Final = re.compile(rb"\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00")
_ID_BYTES: Final = 20
_LEAST_PRODUCT: Final = 6


class MarkerError(HostError):
    """The text is no marker of this image."""


@dataclass(frozen=True)
class Marker:
    """`text` is what a person reads there; hexadecimal digits of a build id."""

    kind: Kind
    address: int
    text: str


def find_markers(segments: list[Segment]) -> list[Marker]:
    """Return what is likely to be a marker: products first, then versions and build ids, each by address."""
    found = {marker for segment in segments for marker in _in_segment(segment)}
    order: tuple[Kind, ...] = ("product", "version", "build id")
    return sorted(found, key=lambda marker: (order.index(marker.kind), marker.address))[:_MOST]


def take_marker(asked: str, segments: list[Segment]) -> dict[str, object]:
    """Return `target.marker` for TEXT or TEXT@ADDRESS.

    Raises:
        MarkerError: the image does not hold the text, or holds it in several places and no address is given.
    """
    text, at, address = asked.rpartition("@")
    if at and address[:2].lower() == "0x":
        try:
            return {"address": f"0x{int(address, 16):08x}", "text": text}
        except ValueError as error:
            raise MarkerError(f"--marker {asked}: {address} is no address", "Write it as TEXT@0x08000400.") from error
    places = [place for segment in segments for place in _places(segment, asked.encode())]
    if not places:
        known = ", ".join(f"{marker.text}@0x{marker.address:08x}" for marker in find_markers(segments))
        raise MarkerError(
            f"--marker {asked}: the image does not hold this text",
            f"Likely ones are {known}." if known else "Give a text that the image holds, as the unit would.",
        )
    if len(places) > 1:
        raise MarkerError(
            f"--marker {asked}: the image holds this text {len(places)} times",
            "Say which one: " + ", ".join(f"{asked}@0x{place:08x}" for place in places[:4]) + ".",
        )
    return {"address": f"0x{places[0]:08x}", "text": asked}


def _in_segment(segment: Segment) -> Iterator[Marker]:
    for match in _TEXT.finditer(segment.data):
        yield from _of_text(match[0].decode("ascii"), segment.address + match.start())
    for match in _NOTE.finditer(segment.data):
        number = segment.data[match.end() : match.end() + _ID_BYTES]
        if len(number) == _ID_BYTES:
            yield Marker("build id", segment.address + match.end(), number.hex())


def _of_text(text: str, address: int) -> Iterator[Marker]:
    both = _NAME_AND_VERSION.fullmatch(text)
    if both:
        yield from _of_text(both[1], address)
        yield Marker("version", address + len(both[1]), both[2])
    elif _VERSION.fullmatch(text):
        yield Marker("version", address, text)
    elif len(text) >= _LEAST_PRODUCT and _PRODUCT.fullmatch(text) and sum(map(str.isalpha, text)) > len(text) // 4:
        yield Marker("product", address, text)


def _places(segment: Segment, text: bytes) -> Iterator[int]:
    at = segment.data.find(text)
    while at >= 0:
        yield segment.address + at
        at = segment.data.find(text, at + 1)
