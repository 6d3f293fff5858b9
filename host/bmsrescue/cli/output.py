"""How the command talks: results on standard output, errors on standard error, colour only on a terminal."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

# Wide enough for the dongle's picture (128 columns) in a pipe, where nobody can say how wide it is.
_PIPE_COLUMNS = 140


def console() -> Console:
    """Standard output; plain text of a fixed width when it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


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
    sentence = message[:1].upper() + message[1:]
    if not sentence.endswith((".", "?", "!")):
        sentence += "."
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text.assemble(("error: ", "bold red"), sentence, " " if next_step else "", next_step))


def show_note(message: str) -> None:
    """A remark on standard error that is no error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"note: {message}", style="yellow"))
