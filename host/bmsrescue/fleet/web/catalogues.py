"""Message catalogues, gettext's, which Babel reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

_FOLDER = Path(__file__).parent / "words"


@cache
def read(name: str) -> Mapping[str, str]:
    """Texts by the English, of `words/NAME.po`; empty where there is none."""
    path = _FOLDER / f"{name}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file)
    return {str(one.id): str(one.string) for one in catalogue if one.id and one.string}
