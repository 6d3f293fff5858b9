"""What a fuzzer throws bytes at: each door through which others' bytes come in, and what must hold there.

A target takes bytes and returns, whatever they are; anything it raises is a find. Its first bytes are what good input
looks like, from which a fuzzer goes on.
"""

from __future__ import annotations

import atexit
import json
import random
import re
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgpack
from fastapi.testclient import TestClient

from bmsrescue.card.fat import CardFiles, CardImageError, make_image
from bmsrescue.card.fat_check import examine
from bmsrescue.errors import HostError
from bmsrescue.fleet.records.reading import LineError, read_line
from bmsrescue.image.read import read_firmware
from bmsrescue.link.frames import FrameReader, frame
from bmsrescue.link.words import plain
from bmsrescue.twin.board import display_frame
from bmsrescue.twin.rig import default_card_files
from fleet_api import make_fleet_api
from fuzzing.documents import document_changed, job_changed
from fuzzing.kinds import SEEDS
from rescuelink import codec
from rescuelink.errors import JobError, LinkError
from rescuelink.job import validate
from rescuelink.job_text import parse_job
from rescuelink.manifest import read_manifest, signed_text
from rescuelink.rpc import MAX_BODY_BYTES
from rescuelink.seal import seal
from sealed_records import chain, sample

REGRESSIONS = Path(__file__).parent / "regressions"
_MOST_BYTES = 1 << 18


@dataclass(frozen=True)
class Target:
    """`mutate`: changes that keep the form of good input, beside those of single bytes; None: not of that form."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    mutate: Callable[[bytes, random.Random], bytes | None] = lambda data, dice: None


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
    """A manifest: also with its end made good, so that the lines before it are reached."""
    for text in (data, data[: data.rfind(b"\n") + 1] + _MANIFEST_END):
        try:
            manifest = read_manifest(text)
        except JobError as error:
            if not error.next_step:
                raise ValueError("no next step") from error
            continue
        said = signed_text(manifest.series, manifest.release, manifest.files, manifest.helper, manifest.key)
        if not text.startswith(said.encode() + b"signature "):
            raise ValueError("one text has two meanings")


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
    """What a unit sends to its display: noise, and a frame made of it behind; that one is found."""
    data = data[:_MOST_NOISE]
    decoder, found = display_frame.FrameReader(), []
    payload = data[:_DISPLAY_BYTES].ljust(_DISPLAY_BYTES, b"\0")
    for stream in (data, bytes(_LONGEST_FRAME), _display_frame(payload)):
        for at in range(0, len(stream), 7):
            found += decoder.feed(stream[at : at + 7])
    told = found[-1] if found else None
    meant = [value for (value,) in struct.iter_unpack("<H", payload[6:])]
    if told is None or list(told.cells_mv) != meant or told.pack_mv != 10 * int.from_bytes(payload[:2], "little"):
        raise ValueError("the frame behind the noise was lost, or says something else")


_DISPLAY_BYTES = 38
_MOST_NOISE = 300
_LONGEST_FRAME = 2 + 1 + 255 + 2


def _display_frame(payload: bytes) -> bytes:
    body = bytes([len(payload)]) + payload
    return b"\x55\xaa" + body + display_frame.crc16(body).to_bytes(2, "little")


def api(data: bytes) -> None:
    """An engineer's request to the page's API (`METHOD PATH`, the body behind that line): no error of the server's."""
    line, _, body = data.partition(b"\n")
    method, _, path = line.decode("utf-8", "replace").partition(" ")
    if method not in _METHODS or not path.startswith("/api/fleet/") or path.split("?")[0].endswith("/events"):
        return
    client = _api_client()
    try:
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    except (httpx.InvalidURL, UnicodeError):
        return  # no client would send it
    if answer.status_code >= 500:
        raise ValueError(f"{answer.status_code} {answer.text[:200]}")


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@cache
def _api_client() -> TestClient:
    place = tempfile.TemporaryDirectory()
    page, fleet = make_fleet_api(Path(place.name))
    atexit.register(lambda: (fleet.store.close(), place.cleanup()))
    headers = {"Authorization": f"Bearer {page.state.token}"}
    return TestClient(page, client=("127.0.0.1", 50000), headers=headers, follow_redirects=False)


def _requests() -> list[bytes]:
    """One of each operation in the API's own document, with a body of the properties that it names."""
    page = _api_client().app
    document = page.openapi()  # type: ignore[attr-defined]
    schemas, made = document["components"]["schemas"], []
    for path, operations in sorted(document["paths"].items()):
        for method, operation in sorted(operations.items()):
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            properties = schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
            asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
            query = "&".join(f"{one['name']}={_like(one['schema'])}" for one in asked)
            address = _PLACES.sub(lambda place: _KNOWN.get(place[1], "one"), path)
            values = {name: _like(schema) for name, schema in properties.items()}
            head = f"{method.upper()} {address}{'?' if asked else ''}{query}"
            made.append(f"{head}\n{json.dumps(values) if values else ''}".encode())
    return made


_PLACES = re.compile("{(.*?)}")
_KNOWN = {"number": sample()["unit"]["uid"], "sequence": "1", "helper": "h1", "job": "bms-1.2.0"}
_LIKE = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}


def _like(schema: dict[str, Any]) -> Any:
    return _LIKE.get(schema.get("type") or next((one.get("type") for one in schema.get("anyOf", ())), ""), "one")


def _request_changed(data: bytes, dice: random.Random) -> bytes | None:
    line, _, body = data.partition(b"\n")
    changed = document_changed(body, dice)
    return None if changed is None else line + b"\n" + changed


def _firmware_files() -> list[bytes]:
    return [data for make in SEEDS.values() if len(data := make()) <= 1 << 15]


def _records() -> list[bytes]:
    return [chain("pocket-1", 1)[0].encode(), json.dumps(sample()).encode()]


_JOB = b'{"format": "bmsrescue-job/1", "limits": {}}'
_MESSAGES = [[0, 1, "power.on", []], [1, 2, None, {"a": 1}]]
_MANIFEST_END = b"key " + b"5" * 16 + b"\nsignature " + b"0" * 128 + b"\n"
_FILES = {"job.json": "0" * 64, "bms-1.2.0.bin": "a" * 64}
_MANIFESTS = [signed_text("s", 7, _FILES, helper, "5" * 16).encode() for helper in ("", "h1")]
_DISPLAY = _display_frame(struct.pack("<HhBB16H", 5280, -10, 80, 1, *[3300] * 16))

TARGETS: dict[str, Target] = {
    "frames": Target(frames, lambda: [frame(b"\x93\x02\xa1x\x90"), b"noise \xf5\xb3\x05\x00\x5f"]),
    "messages": Target(messages, lambda: [msgpack.packb(message) for message in _MESSAGES]),
    "words": Target(words, lambda: [msgpack.packb({"helper": "h1", "n": [1, 2.5, None, b"x"]})]),
    "jobs": Target(
        jobs, lambda: [default_card_files()["job.json"], b'{"format": "bmsrescue-job/1", "limits": {}}'], job_changed
    ),
    "manifests": Target(manifests, lambda: [text + b"signature " + b"0" * 128 + b"\n" for text in _MANIFESTS]),
    "images": Target(images, _firmware_files),
    "records": Target(
        records, lambda: [chain("pocket-1", 1)[0].encode(), json.dumps(sample()).encode()], document_changed
    ),
    "cards": Target(cards, lambda: [b"\x0b\x00\x02\x0d\x00\x01", b"\x00\x02\xff\x10\x02\x00"]),
    "unit-bus": Target(unit_bus, lambda: [b"\x55\xaa" * 20, _DISPLAY * 2, _DISPLAY[:-1] + _DISPLAY]),
    "api": Target(api, _requests, _request_changed),
}
