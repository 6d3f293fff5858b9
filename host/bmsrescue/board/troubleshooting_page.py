"""docs/troubleshooting.md from the words that dongle and host show themselves: run it with the page's path.

`python -m bmsrescue.board.troubleshooting_page docs/troubleshooting.md`, in the repository: outcomes and causes come
from `rescuelink`, errors from each `raise` of agent and host that says what to do next.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rescuelink import diagnoses, distinguishing, outcomes

_FOLDERS = ("device/rescue", "shared/rescuelink", "host/bmsrescue")
_LEFT_OUT = ("host/bmsrescue/fleet", "host/bmsrescue/twin")  # mass recovery and the virtual bench: nothing at the bench
_MADE = "## By how it ended\n"  # what stands before it is written by hand


def page(root: Path) -> str:
    """The whole page, with the hand-written head that it has. `root`: the repository."""
    head = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8").partition(_MADE)[0].rstrip() + "\n"
    return "\n".join([head, *_outcomes(), *_causes(), *_doubts(), *_errors(root)]).rstrip() + "\n"


def _outcomes() -> Iterator[str]:
    yield _MADE + "\n| title | what it means | causes that end so |\n|---|---|---|"
    causes = diagnoses.all_causes()
    for outcome in outcomes.OUTCOMES.values():
        so = ", ".join(f"[{cause.name}](#{cause.name})" for cause in causes if cause.ends_as == outcome.name)
        yield f"| {outcome.name.replace('_', ' ')} | {outcome.sentence} | {so} |"
    yield ""


def _causes() -> Iterator[str]:
    seen: set[str] = set()
    for group, words in (
        ("supply", "the supply and the rails"),
        ("chip", "the chip and its wires"),
        ("firmware", "what its flash holds"),
        ("open", "what is said without a job"),
    ):
        yield f"## By the cause on the display: {words}\n\n| cause | what it says | what to do |\n|---|---|---|"
        for name, sentence, step, _ends in diagnoses.table(group):
            anchor = f'<a id="{name}"></a>' if name not in seen else ""
            seen.add(name)
            yield f"| {anchor}{name} | {_said(sentence)} | {_said(step)} |"
        yield ""


def _doubts() -> Iterator[str]:
    yield "## When it could also be something else\n\n| it is | if |\n|---|---|"
    for name, sign in sorted(distinguishing.TABLE.items()):
        yield f"| {name} | {sign} |"
    yield ""


def _errors(root: Path) -> Iterator[str]:
    yield "## By the error of helper or host\n\n| kind | what it says | what to do |\n|---|---|---|"
    rows = sorted({row for path in _sources(root) for row in errors_of(path.read_text(encoding="utf-8"))})
    for kind, message, step in rows:
        yield f"| `{kind}` | {message} | {step} |"


def _sources(root: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if not str(path.relative_to(root)).startswith(_LEFT_OUT):
                yield path


def errors_of(source: str) -> Iterator[tuple[str, str, str]]:
    """(kind, message, next step) of each error that is raised in a module with a kind and a next step."""
    for found in ast.walk(ast.parse(source)):
        if not isinstance(found, ast.Raise) or not isinstance(found.exc, ast.Call):
            continue
        call = found.exc
        steps = [keyword.value for keyword in call.keywords if keyword.arg == "next_step"]
        if len(call.args) < 2 or not steps or not isinstance(call.args[0], ast.Constant):
            continue
        message, step = _text(call.args[1]), _text(steps[0])
        if isinstance(call.args[0].value, str) and message and step:
            yield call.args[0].value, _cell(message), _cell(step)


def _text(value: ast.expr) -> str:
    """A message as a reader sees it, values as *...*; "" where it is made elsewhere."""
    if isinstance(value, ast.Constant):
        return str(value.value) if isinstance(value.value, str) else ""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod):
        return re.sub(r"%(?:0?\d*)[sdrxX]", "*...*", _text(value.left)).replace("%%", "%")
    if isinstance(value, ast.JoinedStr):
        return "".join("*...*" if isinstance(part, ast.FormattedValue) else _text(part) for part in value.values)
    return ""


def _said(template: str) -> str:
    return _cell(re.sub(r"\{(\w+)[^}]*\}", r"*\1*", template))


def _cell(words: str) -> str:
    return re.sub(r"<([\w ]+)>", r"`<\1>`", words.replace("|", "\\|").replace("\n", " "))


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    target.write_text(page(target.parents[1]), encoding="utf-8")
