"""What a fuzzer throws bytes at: each door through which others' bytes come in, and what must hold there.

A target takes bytes and returns, whatever they are; anything it raises is a find. Its first bytes are what good input
looks like, from which a fuzzer goes on.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgpack

from bmsrescue.card.fat import CardFiles, CardImageError, make_image
from bmsrescue.card.fat_check import examine
from bmsrescue.errors import HostError
from bmsrescue.fleet.records.reading import LineError, read_line
from bmsrescue.image.read import read_firmware
from bmsrescue.link.frames import FrameReader, frame
from bmsrescue.link.words import plain
from bmsrescue.twin.board import display_frame
from bmsrescue.twin.rig import default_card_files
from fuzzing.kinds import SEEDS
from rescuelink import codec
from rescuelink.errors import JobError, LinkError
from rescuelink.job import validate
from rescuelink.job_text import parse_job
from rescuelink.manifest import read_manifest
from rescuelink.rpc import MAX_BODY_BYTES
from rescuelink.seal import seal
from sealed_records import chain, sample

REGRESSIONS = Path(__file__).parent / "regressions"
_MOST_BYTES = 1 << 18


@dataclass(frozen=True)
class Target:
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def frames(data: bytes) -> None:
    """Noise on the link: bodies are bounded, and a whole frame behind the noise is found."""
    reader, good = FrameReader(), b"\xc0behind the noise"
    rest, found = data + bytes(2 * MAX_BODY_BYTES) + frame(good), []
    while rest:
        rest = rest[reader.feed(rest) :]
        while (body := reader.next()) is not None:
            found.append(bytes(body))
    while reader.pending():
        reader.give_up()
        while (body := reader.next()) is not None:
            found.append(bytes(body))
    if good not in found or any(len(body) > MAX_BODY_BYTES for body in found):
        raise ValueError("the frame behind the noise was lost, or one is too large")


def messages(data: bytes) -> None:
    """A frame's body: a message or a refusal; what was read is written and read again as the same."""
    try:
        value = codec.unpack_from(memoryview(data))
        codec.as_message(value)
    except LinkError:
        return
    buffer = bytearray(4 * len(data) + 64)
    try:
        end = codec.pack_into(buffer, 0, value)
    except LinkError:
        return  # an agent reads a little more than it writes
    again = codec.unpack_from(memoryview(buffer)[:end])
    if repr(_comparable(again)) != repr(_comparable(value)):
        raise ValueError("it reads otherwise the second time")


def _comparable(value: object) -> object:
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    return value


def words(data: bytes) -> None:
    """What a helper says, at the host: plain values that JSON can carry, or a refusal."""
    try:
        value = msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, msgpack.exceptions.UnpackException, TypeError, OverflowError, RecursionError):
        return
    try:
        told = plain(value)
    except LinkError:
        return
    json.dumps(told, default=lambda item: item.hex(), skipkeys=True, allow_nan=False).encode()


def jobs(data: bytes) -> None:
    """A card's job.json: a job, or a refusal that says what to do; and never other than JSON's own meaning."""
    try:
        document = parse_job(data)
    except JobError as error:
        if not error.next_step:
            raise ValueError("no next step") from error
        return
    meant = json.loads(data.decode("utf-8-sig"))
    if document != meant:
        raise ValueError("read otherwise than JSON has it")
    try:
        validate(document)
    except JobError as error:
        if not error.next_step:
            raise ValueError("no next step") from error


def manifests(data: bytes) -> None:
    try:
        read_manifest(data)
    except JobError:
        return


def images(data: bytes) -> None:
    """A firmware file of any kind."""
    if len(data) > _MOST_BYTES:
        return
    try:
        firmware = read_firmware(data, "x.bin")
    except HostError:
        return
    if any(not part.data for part in firmware.segments):
        raise ValueError("an empty segment")


def records(data: bytes) -> None:
    """A line that came as a record: also with the seal made good, so that what is behind it is reached."""
    text = data.decode("utf-8", "backslashreplace")
    lines = [text]
    try:
        document = json.loads(text)
        if isinstance(document, dict):
            lines.append(seal({key: value for key, value in document.items() if key not in ("previous", "crc32")}, ""))
    except (ValueError, RecursionError, TypeError):
        pass
    for line in lines:
        try:
            read_line(line)
        except LineError:
            continue


def cards(data: bytes) -> None:
    """A card's image: its files, or a refusal."""
    image = bytearray(_CARD)
    # The first blocks (boot sector, tables, folder) are what a fuzzer changes: (place, byte) after (place, byte).
    for place, value in struct.iter_unpack("<HB", data[: len(data) // 3 * 3][:3000]):
        image[place] = value
    try:
        examine(image)
        files = CardFiles(image)
        for name in files:
            if files.size_of(name) <= len(image):
                files[name]
    except (CardImageError, HostError):
        return


_CARD = bytes(make_image({"job.json": b"{}", "records/records.jsonl": b"x" * 3000}, 256 << 10))


def unit_bus(data: bytes) -> None:
    """What a unit sends to its display."""
    decoder = display_frame.FrameReader()
    for at in range(0, len(data), 7):
        decoder.feed(data[at : at + 7])


def _firmware_files() -> list[bytes]:
    return [data for make in SEEDS.values() if len(data := make()) <= 1 << 15]


_MESSAGES = [[0, 1, "power.on", []], [1, 2, None, {"a": 1}]]
_MANIFEST = b"bmsrescue-manifest/1\nseries s\nrelease 7\nfile " + b"0" * 64 + b" job.json\n"

TARGETS: dict[str, Target] = {
    "frames": Target(frames, lambda: [frame(b"\x93\x02\xa1x\x90"), b"noise \xf5\xb3\x05\x00\x5f"]),
    "messages": Target(messages, lambda: [msgpack.packb(message) for message in _MESSAGES]),
    "words": Target(words, lambda: [msgpack.packb({"helper": "h1", "n": [1, 2.5, None, b"x"]})]),
    "jobs": Target(jobs, lambda: [default_card_files()["job.json"], b'{"format": "bmsrescue-job/1", "limits": {}}']),
    "manifests": Target(manifests, lambda: [_MANIFEST]),
    "images": Target(images, _firmware_files),
    "records": Target(records, lambda: [chain("pocket-1", 1)[0].encode(), json.dumps(sample()).encode()]),
    "cards": Target(cards, lambda: [b"\x0b\x00\x02\x0d\x00\x01", b"\x00\x02\xff\x10\x02\x00"]),
    "unit-bus": Target(unit_bus, lambda: [b"\x55\xaa" * 20, bytes(range(64))]),
}
