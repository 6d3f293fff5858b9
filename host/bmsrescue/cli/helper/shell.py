"""`bmsrescue shell`: the link's methods by hand, with history and completion.

    rails.read
    target.connect "attach" 1000000
    memory.read 0x24000000 64
    flash.consent "erase sectors 0"

A word is a number, nil, true, false, hex bytes as x"0102", JSON, or text.
"""

from __future__ import annotations

import ast
import contextlib
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from bmsrescue.agent.files import device_dir
from bmsrescue.cli.common import JsonOption
from bmsrescue.cli.exit_status import status_of
from bmsrescue.cli.helper.common import HelperOption, opened
from bmsrescue.cli.output import console, show_error
from bmsrescue.client.session import SLOW_S, Session
from bmsrescue.config import data_dir
from rescuelink.errors import LinkError, RescueError

try:
    import readline
except ImportError:  # Windows has none: the shell works without history
    readline = None  # type: ignore[assignment,unused-ignore]

_OWN = ("help", "quit")
_HISTORY_LINES = 1000
_LONG = ("job.run", "job.until")


def shell(wanted: HelperOption = None, as_json: JsonOption = False) -> None:
    """Call the link's methods by hand. `help` lists them, Tab completes, Ctrl-D leaves.

    Answers are JSON, a line each; with --json errors and `help` are as well.
    """
    methods = known_methods()
    with opened(wanted, as_json) as helper:
        if sys.stdin.isatty() and not as_json:
            board = helper.session.about["board"]
            console().print(f"{helper.session.name}: {board}. Try `rails.read`, or `help`.", soft_wrap=True)
        with _history(methods):
            for line in iter(_reader(helper.session.name), None):
                if line.strip() == "quit":
                    return
                _carry_out(helper.session, methods, line, as_json)


def known_methods() -> dict[str, str]:
    """Method -> what its function says of itself, from the agent's own files."""
    found = {}
    for path in sorted((device_dir() / "rescue" / "link" / "methods").glob("[!_]*.py")):
        group = path.stem
        # Read, not run: these files are MicroPython's.
        body = ast.parse(path.read_text(encoding="utf-8")).body
        functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
        for name in _names_in_calls(body):
            words = ast.get_docstring(functions[name]) if name in functions else None
            found[f"{group}.{name}"] = (words or "").partition("\n")[0]
    return found


def _names_in_calls(body: list[ast.stmt]) -> list[str]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "CALLS":
                return [str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)]
    return []


def parse_line(line: str) -> tuple[str, list[Any]]:
    """The method and its parameters. Raises LinkError (bad_params)."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise LinkError("bad_params", f"the line cannot be read: {error}") from None
    return words[0], [_value(word) for word in words[1:]]


def _value(word: str) -> Any:
    named = {"nil": None, "true": True, "false": False}
    if word in named:
        return named[word]
    with contextlib.suppress(ValueError):
        return int(word, 0)
    if word.startswith("x") and len(word) % 2:
        with contextlib.suppress(ValueError):
            return bytes.fromhex(word[1:])
    if word[:1] in "[{":
        with contextlib.suppress(ValueError):
            return json.loads(word)
    return word


def _carry_out(session: Session, methods: dict[str, str], line: str, as_json: bool) -> None:
    if not line.strip():
        return
    try:
        method, params = parse_line(line)
        if method == "help":
            _help(methods, as_json)
        elif method in _LONG:
            _answer(session.run(method, *params))
        else:
            _answer(session.call(method, *params, timeout_s=SLOW_S))
    except KeyboardInterrupt:
        session.cancel()
        _refused(LinkError("cancelled", "stopped on request"), as_json)
    except RescueError as error:
        _refused(error, as_json)
        if error.kind in ("lost", "no_daemon"):
            raise typer.Exit(status_of(error)) from error


def _answer(result: Any) -> None:
    typer.echo(json.dumps(result, default=lambda data: bytes(data).hex()))


def _help(methods: dict[str, str], as_json: bool) -> None:
    if as_json:
        _answer(methods)
        return
    for name, words in methods.items():
        console().print(f"{name:<20} {words}", soft_wrap=True)


def _refused(error: RescueError, as_json: bool) -> None:
    if as_json:
        _answer({"error": error.to_dict()})
    else:
        show_error(error.sentence(), "")


def _reader(name: str) -> Callable[[], str | None]:
    prompt = f"{name}> " if sys.stdin.isatty() else ""

    def read() -> str | None:
        try:
            return input(prompt)
        except EOFError:
            return None
        except KeyboardInterrupt:
            return ""

    return read


@contextlib.contextmanager
def _history(methods: dict[str, str]) -> Iterator[None]:
    if readline is None or not sys.stdin.isatty():
        yield
        return
    path = data_dir() / "shell_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    names = [*methods, *_OWN]
    readline.set_completer_delims(" ")
    readline.set_completer(lambda text, index: [*(name for name in names if name.startswith(text)), None][index])
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(_HISTORY_LINES)
    try:
        yield
    finally:
        _save_history(path)


def _save_history(path: Path) -> None:
    with contextlib.suppress(OSError):  # a full disk costs the history and nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)
