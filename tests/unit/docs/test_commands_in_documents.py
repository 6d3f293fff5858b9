"""A command in a document is one that there is: `bmsrescue`, `make`, a module or a file that Python runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import modules
from bmsrescue.cli import app
from repository import ROOT, documents

_PROMPT = re.compile(r"^(?:\$ )?(?:[A-Z_0-9]+=\S+ )*(?:\.venv/bin/|\$\(BIN\)/)?")
_FIRST = re.compile(r"(?:bmsrescue|make|python3?|pytest)(?: [\w<\[-]|$)")
_ENDS = {"|", ">", "<", ";", "&&", "&", "#"}
_UsageError = typer.BadParameter.__mro__[1]
ROOT_COMMAND = typer.main.get_command(app)


@dataclass(frozen=True)
class Written:
    at: str
    text: str
    whole: bool
    """In a block, to be typed as it stands; not a mention in a sentence."""


def commands_of(page: str, text: str) -> Iterator[Written]:
    """Those of fenced blocks, of indented ones, and in backticks."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
            continue
        if fenced or line.startswith("    "):
            found = [(line.strip(), True)]
        else:
            found = [(span, False) for span in re.findall(r"`([^`]+)`", line)]
        for written, whole in found:
            command = _PROMPT.sub("", re.split(r" {3,}", written)[0])  # what it does may stand beside it
            if _FIRST.match(command):
                yield Written(f"{page}:{number}", command, whole)


def words_of(command: str) -> list[str]:
    """What the program gets: no comment, no pipe, and of `[--json]` what may stand there."""
    lexer = shlex.shlex(command.replace("[", " ").replace("]", " "), posix=True, punctuation_chars="|<>;&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in _ENDS:
            break
        words.append(word)
    return words


def trouble(written: Written) -> str | None:
    """What is wrong with it, or None."""
    program, *words = words_of(written.text)
    if program == "make":
        return _trouble_of_make(words, ROOT / written.at.partition(":")[0])
    if program == "bmsrescue":
        return _trouble_of_ours([word for word in words if word != "..."], written.whole)
    if program.startswith("python") and words[:1] == ["-m"]:
        return _trouble_of_module(words[1:])
    return next((f"no {word}" for word in words if re.match(r"(tests|host)/", word) and not _is_there(word)), None)


def _is_there(path: str) -> bool:
    return bool(list(ROOT.glob(path.partition("::")[0])))


def _trouble_of_module(words: list[str]) -> str | None:
    module, *others = words or [""]
    if module.split(".")[0] == "bmsrescue" and module not in modules.modules():
        return f"no module {module}"
    return next((f"no {word}" for word in others if re.match(r"(tests|docs)/", word) and not _is_there(word)), None)


def _trouble_of_make(words: list[str], page: Path) -> str | None:
    if words[:1] in (["-C"], ["-f"]):
        return None  # in sources of others
    nearest = next(folder for folder in (*page.parents, ROOT) if (folder / "Makefile").is_file())
    makefile = (nearest / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, sets, _ = word.partition("=")
        if not re.search(rf"\$\({name}\)" if sets else rf"^{name}:", makefile, re.MULTILINE):
            return f"the Makefile has no {name}"
    return None


def _trouble_of_ours(words: list[str], whole: bool) -> str | None:
    command: Any = ROOT_COMMAND
    context = typer.Context(command, info_name="bmsrescue")
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
        context = typer.Context(command, parent=context, info_name=words.pop(0))
    if words and hasattr(command, "commands") and not words[0].startswith("-"):
        return f"{context.command_path} has no command {words[0]!r}"
    if not words and not whole:
        return None
    if command is ROOT_COMMAND and words:  # parsing these would carry them out
        known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
        return None if words[0] in known else f"bmsrescue has no option {words[0]}"
    try:
        # As the command would: unknown options, options without their value, too many words, too few.
        command.parse_args(context, words)
    except typer.Exit:
        return None
    except _UsageError as error:
        missing = "Missing" in str(error.format_message())
        # FILE, HOST:PORT and other stand-ins are no values; a sentence need not name all that is needed.
        return None if isinstance(error, typer.BadParameter) and not (missing and whole) else error.format_message()
    return None


def test_each_command_in_a_document_is_one_that_there_is() -> None:
    wrong = [
        f"{written.at}: `{written.text}`: {said}"
        for path, text in documents().items()
        for written in commands_of(str(path.relative_to(ROOT)), text)
        if (said := trouble(written)) is not None
    ]
    assert not wrong, "write what can be typed today: " + "; ".join(wrong)


def test_each_command_is_in_a_document() -> None:
    text = "".join(documents().values())
    # As `bmsrescue card build`, or in a list behind it: `diagnose`, `plan`.
    missing = [name for name in _names(ROOT_COMMAND) if f"bmsrescue {name}" not in text and f"`{name}`" not in text]
    assert not missing, f"say in README.md or docs/bench.md what it does: {missing}"


def _names(command: Any, before: str = "") -> Iterator[str]:
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from _names(inner, f"{before}{name} ")
        else:
            yield before + name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bmsrescue twin run --scenario half-on --json", None),
        ("bmsrescue twin run --scenario half-on | head", None),
        ("bmsrescue card build FILE -o CARD [--chip H743]", None),
        ("bmsrescue twin run --nonsense", "--nonsense"),
        ("bmsrescue twin nonsense", "nonsense"),
        ("bmsrescue card build", "--output"),
        ("bmsrescue scan once more", "unexpected extra argument"),
        ("make test-rp2040 PICO=half-on", None),
        ("make tea", "tea"),
        ("python -m bmsrescue.link.method_tables docs/protocol.md", None),
        ("python -m bmsrescue.nothing", "bmsrescue.nothing"),
        ("python -m pytest -q tests/units", "tests/units"),
    ],
)
def test_what_is_wrong_with_a_command_is_told(text: str, said: str | None) -> None:
    found = trouble(Written("here", text, whole=True))
    assert found is None if said is None else found is not None and said in found
