"""How the command talks: results on standard output, errors on standard error, colour only on a terminal.

A terminal is taken as it is: lines end at its width, between words; one that has no Unicode gets ASCII.
"""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.control import Control
from rich.segment import ControlType, Segment
from rich.text import Text

from rescuelink.errors import sentence_case

# A table in a pipe is not broken: nobody can say how wide it is.
_PIPE_COLUMNS = 140
PICTURE_COLUMNS = 80  # of what is drawn there

# Of the 256-colour palette, each at a contrast of 4 and more on white and on black; no meaning is in a colour alone.
STYLES = {
    "red": "bold color(161)",
    "green": "bold color(28)",
    "yellow": "bold color(130)",
    "blue": "bold color(63)",
    "magenta": "bold color(163)",
    "cyan": "bold color(30)",
}
NOTE, ACCENT = "color(130)", "color(30)"
_FEW_COLOURS = ("standard", "windows")

# What a name must not do to a terminal: control characters, and marks that turn the direction of writing.
_HARMLESS = {
    **{code: 0x2400 + code for code in range(0x20) if code != 0x0A},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}
# What we draw with, for a terminal that has only ASCII; the heights of bars from low to high.
_IN_ASCII = str.maketrans("▁▂▃▄▅▆▇█░●○…", ".:-=+*%#.*o.")


class PlainConsole(Console):
    """Shows names of files, jobs and units as they are: no markup is read from them, no escape sequence is sent on."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
        if self.color_system in _FEW_COLOURS:  # what they look like is the terminal's own choice: bold must do
            self.no_color = True

    @property
    def encoding(self) -> str:
        """ "ascii" too where the person's locale is plain C."""
        locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE") if os.environ.get(name)), "")
        return "ascii" if locale in ("C", "POSIX") else super().encoding

    @property
    def ascii_only(self) -> bool:
        return not self.encoding.startswith("utf")

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
                continue
            text = segment.text.translate(_IN_ASCII) if self.ascii_only else segment.text
            yield Segment(text.translate(_HARMLESS), segment.style)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """As rich has it, but a live line goes first, and `soft_wrap` on a terminal breaks lines between words only:
        a name that is longer than the line can still be copied."""
        clear_live_line()
        if not (soft_wrap and self.is_terminal):
            super().print(*objects, soft_wrap=soft_wrap, **options)
            return
        text = Text(" ").join(one if isinstance(one, Text) else Text(str(one)) for one in objects)
        for line in text.split("\n", allow_blank=True):
            for piece in broken(line, self.width):
                super().print(piece, soft_wrap=True, **options)


def broken(line: Text, columns: int, indent: int = 0) -> Iterable[Text]:
    """The line in pieces of at most so many columns, broken between words; a longer word stays whole. What follows
    the first piece is indented."""
    at, before, offsets = 0, 0, []
    for word in re.finditer(r"^\s*\S+\s*|\S+\s*", line.plain):
        if at > before and at + cell_len(word.group().rstrip()) > columns:
            offsets.append(word.start())
            at = before = indent
        at += cell_len(word.group())
    for number, piece in enumerate(line.divide(offsets)):
        piece.rstrip()
        yield Text(" " * indent).append_text(piece) if number else piece


class _LiveLine:
    """The one line that changes in place."""

    console: PlainConsole | None = None


def show_live_line(console: PlainConsole, line: Text) -> None:
    """`line` in the place of the one before, until anything else is printed. For a terminal that can go back."""
    clear_live_line()
    line.truncate(console.width - 1, overflow="crop")
    console.print(line, end="", no_wrap=True)
    _LiveLine.console = console


def clear_live_line() -> None:
    """Nothing of it stays. Before anything is written past a console: a prompt, say."""
    console, _LiveLine.console = _LiveLine.console, None
    if console is not None:
        console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


def console() -> PlainConsole:
    """Standard output; plain text of a fixed width when it is no terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


def error_console() -> PlainConsole:
    """Standard error."""
    return PlainConsole(stderr=True)


def show_facts(rows: Sequence[tuple[str, str]]) -> None:
    """Names and what they are, one to a line."""
    width = max((len(name) for name, _words in rows), default=0)
    out = console()
    for name, words in rows:
        line = Text(f"{name:<{width}}  {words}".rstrip())
        for piece in broken(line, out.width, width + 2) if out.is_terminal else [line]:
            out.print(piece, soft_wrap=True)


def in_words(value: object) -> str:
    """A plain value as a person says it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show_error(message: str, next_step: str) -> None:
    """One sentence, and what to do next, on standard error."""
    sentence = error_sentence(message, next_step)
    error_console().print(Text.assemble(("error: ", STYLES["red"]), sentence), soft_wrap=True)


def error_sentence(message: str, next_step: str) -> str:
    """What happened, and what to do next, each with a capital letter and an end."""
    word = message.split(" ")[0].rstrip(",:")
    typed = {*sys.argv, *(Path(one).name for one in sys.argv)}  # a name that somebody has given stays as it is
    sentence = message if word in typed else sentence_case(message)
    if not sentence.endswith((".", "?", "!")):
        sentence += "."
    return f"{sentence} {next_step}" if next_step else sentence


def show_note(message: str) -> None:
    """A remark on standard error that is no error."""
    error_console().print(Text(f"note: {message}", style=NOTE), soft_wrap=True)
