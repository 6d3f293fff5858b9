"""What all commands share: --json, errors as text or JSON, numbers as people write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from bmsrescue.cli.exit_status import status_of
from bmsrescue.errors import HostError, UsageError
from rescuelink.errors import RescueError

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@contextmanager
def telling_errors(as_json: bool) -> Iterator[None]:
    """With --json an error is {"error": {...}} on standard output; else it is left to the command's frame."""
    try:
        yield
    except (HostError, RescueError) as error:
        if not as_json:
            raise
        print_json({"error": error_as_dict(error)})
        raise typer.Exit(status_of(error)) from error


def print_json(value: Any) -> None:
    """One JSON document on standard output; binary as hex."""
    typer.echo(json.dumps(value, indent=2, default=lambda data: bytes(data).hex()))


def address_of(text: str) -> int:
    """A 32-bit number as people write it. Raises UsageError."""
    try:
        number = int(text, 0)
    except ValueError:
        raise UsageError(f"{text} is no number", "Write it as 0x24000000.") from None
    if not 0 <= number <= 0xFFFF_FFFF:
        raise UsageError(f"{text} is no 32-bit number", "Write it as 0x24000000.")
    return number


def error_as_dict(error: HostError | RescueError) -> dict[str, Any]:
    """What --json says of it."""
    if isinstance(error, RescueError):
        return error.to_dict()
    kind = "usage" if isinstance(error, UsageError) else "host"
    return {"error": type(error).__name__, "kind": kind, "message": error.message, "next_step": error.next_step}
