"""Files that a person names: one to read is there, one to write replaces nothing unasked, and makes no folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.errors import UsageError

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Write in place of a file that is there.")]


def check_there(path: Path | None, or_folder: bool = False) -> None:
    """Ask this before a helper is opened for it. Raises UsageError."""
    if path is not None and not path.is_file() and not (or_folder and path.is_dir()):
        raise UsageError(f"there is no file {path}", "Check the name.")


def check_new(path: Path, overwrite: bool) -> None:
    """Ask this before the work, so that no work is lost.

    Raises:
        UsageError: there is something at `path` already, or its folder does not exist.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Name a file in it.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already", "Name another file, or add --overwrite.")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "Make it first, or name another.")


def check_new_card(card: Path, files: dict[str, bytes], there: Mapping[str, bytes], overwrite: bool) -> None:
    """The same for a card: `files` are to come onto it, `there` are those that it holds.

    Raises:
        UsageError: another file of one of the names is there, or the card's own folder does not exist.
    """
    if not card.parent.is_dir():
        raise UsageError(f"there is no folder {card.parent}", "Make it first, or name another.")
    lost = sorted(name for name, data in files.items() if there.get(name, data) != data)
    if lost and not overwrite:
        raise UsageError(
            f"{card} holds another {' and another '.join(lost)}", "Name another card, or add --overwrite to replace it."
        )
