"""docs/protocol.md says what the code does: another client can be written from it."""

from __future__ import annotations

import re
from pathlib import Path

import msgpack
import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.errors import HostError, UsageError
from bmsrescue.link import method_tables
from bmsrescue.link.frames import frame
from rescuelink import rpc

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/protocol.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def hex_after(marker: str) -> bytes:
    """The bytes of the example behind a marker: of each line what stands before its comment."""
    block = TEXT.partition(marker)[2].split("```")[1]
    found = b""
    for line in block.strip().splitlines():
        found += bytes.fromhex(re.match(r"((?:[0-9a-f]{2} )*[0-9a-f]{2}\b)?", line)[0])
    return found


def test_the_tables_are_those_of_the_code() -> None:
    assert method_tables.with_tables(TEXT) == TEXT, "run: python -m bmsrescue.link.method_tables docs/protocol.md"


def test_every_method_says_what_it_does() -> None:
    silent = [method.name for group in method_tables.groups() for method in group.methods if not method.about]
    assert not silent, f"write a docstring (what it returns, in which units) for: {silent}"


def test_every_group_is_served() -> None:
    server = (device_dir() / "rescue" / "link" / "server.py").read_text(encoding="utf-8")
    served = set(re.findall(r'^_GROUPS = "(.*)"', server, re.M)[0].split())
    missing = sorted({group.name for group in method_tables.groups()} - served)
    assert not missing, f"add to _GROUPS of device/rescue/link/server.py: {missing}"


def test_the_hello_byte_by_byte_is_the_frame_that_a_host_sends() -> None:
    body = msgpack.packb([rpc.REQUEST, 1, "hello", [rpc.PROTOCOL_VERSION, "bench"]])
    assert hex_after("<!-- hello -->") == frame(body)


def test_the_answer_byte_by_byte_is_the_frame_of_an_agent_but_for_its_crc() -> None:
    facts = {"error": "LinkError", "kind": "version", "message": "", "address": None, "phase": None, "next_step": None}
    expected = frame(msgpack.packb([rpc.RESPONSE, 1, facts, None]))
    assert hex_after("<!-- answer -->") == expected[: -rpc.TAIL_BYTES]


def test_every_event_that_the_agent_tells_is_described() -> None:
    told = {rpc.ALIVE}
    for path in (device_dir() / "rescue").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        told |= set(re.findall(r"(?:\.event|\.tell)\(\s*\"([a-z-]+)\"", source))
    told.discard("safe-point")  # stays inside: where a host's cancel is heeded
    described = set(re.findall(r"^\| `([a-z-]+)` \|", TEXT.partition("## Events")[2].partition("## Methods")[0], re.M))
    assert told == described


def test_a_module_whose_types_do_not_fit_its_functions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text('def f(work, a):\n    "F."\n\n\nCALLS = {"f": (f, "ii")}\n', encoding="utf-8")
    with pytest.raises(HostError, match="do not fit"):
        method_tables.groups(tmp_path)


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(UsageError, match="no markers"):
        method_tables.with_tables("# The link\n")
