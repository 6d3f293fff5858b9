"""What commands for a helper share: which helper, what it is waiting for, progress, consent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from bmsrescue.cli.common import telling_errors
from bmsrescue.cli.exit_status import status_of
from bmsrescue.cli.helper.probes import Hands, open_probe_session
from bmsrescue.cli.output import clear_live_line, error_console, show_error, show_live_line, show_note
from bmsrescue.cli.render.bar import bar_line
from bmsrescue.client.choose import open_session
from bmsrescue.client.helper import Helper
from bmsrescue.client.session import Session
from bmsrescue.errors import UsageError
from rescuelink.errors import RescueError

_late_errors: list[RescueError] = []

ProgressTeller = Callable[[str, int, int], None]

HelperOption = Annotated[
    str | None,
    typer.Option("--helper", "-H", metavar="NAME|URL", help="Which helper, as scan shows it, or a port's URL."),
]
YesOption = Annotated[
    str | None,
    typer.Option("--yes", metavar="SCOPE", help='Go on without asking; names what may be lost: "erase sectors 0,1".'),
]


@contextmanager
def opened(option: str | None, as_json: bool, probe: Hands | None = None) -> Iterator[Helper]:
    """The helper somebody wants, or the probe, open. With --json an error is an object on standard output."""
    with telling_errors(as_json), _session(option, probe, as_json) as session, session.watching(_say_waits):
        helper = Helper(session)
        yield helper
    if helper.late_error is not None:
        _late_errors.append(helper.late_error)


def _session(option: str | None, probe: Hands | None, as_json: bool) -> Session:
    if probe is None:
        return open_session(option)
    if option is not None:
        raise UsageError("--helper and --probe name two things", "Leave one of them out.")
    return open_probe_session(probe, as_json)


def _say_waits(name: str, data: Any) -> None:
    if name == "wait" and isinstance(data, dict):
        show_note(f"waiting {data.get('ms', 0) / 1000:.0f} s: {data.get('why', '')}")


def tell_late_errors() -> int:
    """Say what went wrong behind the command's work, after it has printed what it found. Returns the exit status."""
    status = 0
    while _late_errors:
        error = _late_errors.pop(0)
        show_error(error.sentence(), "")
        status = status_of(error)
    return status


@contextmanager
def progress_bar(as_json: bool) -> Iterator[ProgressTeller]:
    """A function (what, done, total) that draws a bar per `what` on standard error, when that is a terminal."""
    out = error_console()
    if as_json or not out.is_terminal or out.is_dumb_terminal:
        yield lambda _what, _done, _total: None
        return
    began: dict[str, float] = {}

    def tell(what: str, done: int, total: int) -> None:
        spent_s = time.monotonic() - began.setdefault(what, time.monotonic())
        show_live_line(out, bar_line(what, done, total, "", spent_s, out.width - 1))

    try:
        yield tell
    finally:
        clear_live_line()


def require_consent(scope: str, yes: str | None, as_json: bool) -> None:
    """Let a person decide. Returns when `scope` was agreed to.

    Raises:
        UsageError: --yes names something else, or nobody is there to be asked.
        typer.Exit: the answer was no.
    """
    if yes is not None:
        if " ".join(yes.split()) == scope:
            return
        raise UsageError(f'--yes "{yes}" is not what this needs', f'If you mean it: --yes "{scope}"')
    if as_json or not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", f'If you mean it: --yes "{scope}"')
    clear_live_line()
    if not typer.confirm(f"Go on and {scope}?"):
        raise typer.Exit(1)


def power_in_words(status: dict[str, Any]) -> str:
    """The answer to power.status."""
    if not status.get("switch", True):
        return "this helper has no power switch"
    state, cycles, trip = "on" if status["on"] else "off", status["cycles"], status["trip"]
    cut = f"; last time it was cut: {trip['kind']} on {trip['rail']}" if trip else ""
    return f"{state}, switched on {cycles} {'time' if cycles == 1 else 'times'} since the helper's start{cut}"
