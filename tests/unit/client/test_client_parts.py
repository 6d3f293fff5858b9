"""Parts of the bench commands that need no helper: plans, curves, words, consent."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from bmsrescue.cli.common import address_of
from bmsrescue.cli.exit_status import status_of
from bmsrescue.cli.helper.common import require_consent
from bmsrescue.cli.helper.shell import known_methods, parse_line
from bmsrescue.cli.render.curve_plot import draw
from bmsrescue.client.flash_image import plan_flash
from bmsrescue.client.helper import Helper, consent_words
from bmsrescue.client.plain_json import from_json, to_json
from bmsrescue.client.power_curve import PowerCurve
from bmsrescue.errors import HostError, UsageError
from bmsrescue.image.contents import Segment
from rescuelink.errors import FlashError, LinkError, RescueError

BASE, SECTOR = 0x08000000, 0x20000


class FlashOnly:
    """A session whose unit is its flash: two sectors."""

    def __init__(self, contents: bytes, torn: tuple[int, ...] = ()) -> None:
        self.contents = contents
        self.torn = torn

    def call(self, method: str, *params: Any, timeout_s: float = 1.0) -> Any:
        if method == "flash.info":
            return {"chip": {}, "sectors": [[0, BASE, SECTOR], [1, BASE + SECTOR, SECTOR]], "word_bytes": 32}
        assert method == "flash.read"
        address, length = params
        torn = [word for word in self.torn if address <= word < address + length]
        return {"data": self.contents[address - BASE : address - BASE + length], "torn": torn}


def plan_for(contents: bytes, segments: list[Segment], torn: tuple[int, ...] = ()) -> Any:
    return plan_flash(Helper(FlashOnly(contents, torn)), segments, lambda *_: None)  # type: ignore[arg-type]


def test_only_a_sector_that_differs_is_written_and_what_the_image_does_not_cover_is_kept() -> None:
    contents = b"\x11" * SECTOR + b"\x22" * SECTOR
    plan = plan_for(contents, [Segment(BASE, b"\x11" * 64), Segment(BASE + SECTOR, b"\x33" * 64)])
    assert plan.matching == [0]
    assert plan.erase == [1]
    assert plan.wanted[0].data == b"\x33" * 64 + b"\x22" * (SECTOR - 64)
    assert plan.before[0].data == b"\x22" * SECTOR


def test_a_blank_sector_is_written_without_an_erase() -> None:
    plan = plan_for(b"\xff" * 2 * SECTOR, [Segment(BASE, bytes(64))])
    assert plan.erase == []
    assert [sector.index for sector in plan.wanted] == [0]


def test_a_torn_flash_word_makes_its_sector_be_erased_even_where_the_image_agrees() -> None:
    plan = plan_for(b"\xff" * 2 * SECTOR, [Segment(BASE, b"\xff" * 64)], torn=(BASE + 0x1000,))
    assert plan.erase == [0]


def test_an_image_for_another_address_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="0x08100000"):
        plan_for(b"", [Segment(BASE + 0x100000, bytes(32))])


@pytest.mark.parametrize("value", [None, 7, "text", [1, b"\x00\xff"], {"data": b"", "torn": [1]}, {"base": "x"}])
def test_what_the_link_answers_survives_the_way_through_json(value: Any) -> None:
    assert from_json(to_json(value)) == value


def curve() -> PowerCurve:
    points = [(ms, {"bplus": min(18000, 300 * ms), "v3v3": min(3300, 60 * ms)}) for ms in range(0, 300, 10)]
    return PowerCurve(points, {"kind": "short", "rail": "v3v3"})


def test_a_curve_as_svg_has_a_line_and_a_name_for_each_rail_and_says_what_cut_the_power() -> None:
    text = draw(curve(), ".svg").decode()
    assert text.count("<polyline") == 2
    assert "B+" in text
    assert "power cut: short on 3.3 V" in text


def test_a_curve_as_png_is_a_whole_picture_that_is_not_empty() -> None:
    data = draw(curve(), ".png")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (depth, colour) == (8, 2)
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    rows = zlib.decompress(data[at + 4 : at + 4 + length])
    assert len(rows) == height * (1 + 3 * width)
    assert len(set(rows)) > 4


def test_a_curve_without_a_point_is_still_a_picture() -> None:
    assert b"</svg>" in draw(PowerCurve([], None), ".svg")
    assert draw(PowerCurve([], None), ".png").startswith(b"\x89PNG")


def test_a_line_of_the_shell_becomes_a_method_and_its_values() -> None:
    line = 'target.transfer [[0,0]] nil true 0x10 -1 x"00ff" "erase sectors 0" attach'
    expected = [[[0, 0]], None, True, 16, -1, b"\x00\xff", "erase sectors 0", "attach"]
    assert parse_line(line) == ("target.transfer", expected)
    with pytest.raises(LinkError):
        parse_line('rails.read "')


def test_the_shell_knows_every_method_and_what_it_does() -> None:
    methods = known_methods()
    assert {"rails.read", "flash.program", "job.run", "helper.repl"} <= methods.keys()
    assert "sector" in methods["flash.erase"]


def test_consent_must_be_spelled_out_where_nobody_can_be_asked() -> None:
    scope = consent_words([0, 1])
    require_consent(scope, " erase  sectors 0,1 ", as_json=True)
    for yes in (None, "", "yes", "erase sectors 0", "erase sectors 0,1,2"):
        with pytest.raises(UsageError, match=r"yes|asked") as refused:
            require_consent(scope, yes, as_json=True)
        assert scope in refused.value.next_step


@pytest.mark.parametrize("text", ["", "ram", "0x1_0000_0000_0", "-4"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        address_of(text)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HostError("the disk is full"), 1),
        (UsageError("which helper?"), 2),
        (FlashError("wrp", "sector 3 is write-protected"), 1),
        (LinkError("cancelled", "stopped on request"), 1),
        (LinkError("bad_params", "not like that"), 2),
        (LinkError("no_helper", "there is no helper"), 3),
        (LinkError("busy", "the helper is at work"), 3),
    ],
)
def test_the_exit_status_tells_the_unit_from_the_helper_from_the_user(error: RescueError, status: int) -> None:
    assert status_of(error) == status


def test_the_commands_have_completions(capsys: pytest.CaptureFixture[str]) -> None:
    from bmsrescue.cli import app

    command = typer.main.get_command(app)
    assert {"scan", "recover", "serve", "mem", "shell"} <= set(command.commands)  # type: ignore[attr-defined]
    assert any(parameter.name == "install_completion" for parameter in command.params)


def test_every_command_and_subcommand_speaks_json() -> None:
    from bmsrescue.cli import app

    without = [name for name, options in _commands(typer.main.get_command(app), "") if "--json" not in options]
    assert not without, f"give these --json (`JsonOption` of cli/common.py), and what they print as JSON: {without}"


def test_who_stops_a_command_is_told_that_it_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bmsrescue import cli

    def stopped(**_given: Any) -> None:
        raise SystemExit(130)  # as typer does for Ctrl-C

    monkeypatch.setattr(cli.typer.main, "get_command", lambda _app: stopped)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "note: stopped by Ctrl-C\n")


def test_no_usage_line_has_brackets_twice() -> None:
    from bmsrescue.cli import app

    usages = [command.get_usage(typer.Context(command)) for _name, command in _leaves(typer.main.get_command(app), "")]
    assert any("IMAGE" in usage for usage in usages)
    assert [usage for usage in usages if re.search(r"[\[{]{2}|\.{4}", usage)] == [], "leave them out of metavar"


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for leaf, below in inner.items():
        yield from _leaves(below, f"{name} {leaf}".strip())


def _commands(command: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    """Each command that does something, with its options; a group that does something by itself, too."""
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield name, [option for parameter in command.params for option in parameter.opts]
    for leaf, below in inner.items():
        yield from _commands(below, f"{name} {leaf}".strip())
