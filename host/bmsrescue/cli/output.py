"""How the command talks: results on standard output, errors on standard error, colour only on a terminal."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from rescuelink.errors import sentence_case

# Wide enough for the dongle's picture (128 columns) in a pipe, where nobody can say how wide it is.
_PIPE_COLUMNS = 140


# What a name must not do to a terminal: control characters, and marks that turn the direction of writing.
_HARMLESS = {
    **{code: 0x2400 + code for code in range(0x20) if code != 0x0A},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}


class PlainConsole(Console):
    """Shows names of files, jobs and units as they are: no markup is read from them, no escape sequence is sent on."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(segment.text.translate(_HARMLESS), segment.style)


def console() -> Console:
    """Standard output; plain text of a fixed width when it is no terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


def error_console() -> Console:
    """Standard error."""
    return PlainConsole(stderr=True)


def show_facts(rows: Sequence[tuple[str, str]]) -> None:
    """Names and what they are, one to a line."""
    width = max((len(name) for name, _words in rows), default=0)
    for name, words in rows:
        console().print(f"{name:<{width}}  {words}".rstrip(), markup=False, soft_wrap=True)


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
    error_console().print(Text.assemble(("error: ", "bold red"), sentence), soft_wrap=True)


def error_sentence(message: str, next_step: str) -> str:
    """What happened, and what to do next, each with a capital letter and an end."""
    sentence = sentence_case(message)
    if not sentence.endswith((".", "?", "!")):
        sentence += "."
    return f"{sentence} {next_step}" if next_step else sentence


def show_note(message: str) -> None:
    """A remark on standard error that is no error."""
    error_console().print(Text(f"note: {message}", style="yellow"), soft_wrap=True)
