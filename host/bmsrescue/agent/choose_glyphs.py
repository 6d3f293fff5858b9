"""The glyphs that are used: `python -m bmsrescue.agent.choose_glyphs /usr/share/unifont/unifont.hex`.

Takes those that the catalogues and the outcomes' symbols use from GNU Unifont (Debian package `unifont`) into
`device/words/glyphs.hex`. Letters of the Latin alphabet are 8x8 and drawn by us. Licence: docs/face.md.
"""

import sys
from pathlib import Path
from typing import Final

from bmsrescue.agent.files import device_dir
from bmsrescue.agent.words import languages, texts
from rescuelink.outcomes import OUTCOMES

COMMAND: Final = "python -m bmsrescue.agent.choose_glyphs /usr/share/unifont/unifont.hex"

_LATIN_END = 0x250
_ASCII_END = 0x7F
_LATIN = {
    "Ä": "66183C667E666600",
    "Ö": "663C6666663C0000",
    "Ü": "660066666666 3C00".replace(" ", ""),
    "ä": "66003C063E663E00",
    "ö": "66003C6666663C00",
    "ü": "6600666666663E00",
    "ß": "3C666C6666666C60",
}


def used() -> set[str]:
    """Every character that the display's own font has not."""
    characters = {char for language in languages() for text in texts(language).values() for char in text}
    return {char for char in characters | {outcome.symbol for outcome in OUTCOMES.values()} if ord(char) > _ASCII_END}


def chosen(unifont: str) -> str:
    """The glyphs that are used, from the text of `unifont.hex`.

    Raises:
        KeyError: neither Unifont nor we have one.
    """
    rows = dict(line.split(":") for line in unifont.split())
    glyphs = {ord(char): _LATIN[char] if ord(char) < _LATIN_END else rows[f"{ord(char):04X}"] for char in used()}
    return "".join(f"{code:04X}:{glyphs[code]}\n" for code in sorted(glyphs))


def main(arguments: list[str]) -> int:
    """Make `glyphs.hex` anew, of what it has and of a `unifont.hex` that is named."""
    if len(arguments) > 1:
        print(f"usage: {COMMAND}", file=sys.stderr)
        return 2
    kept = device_dir() / "words" / "glyphs.hex"
    sources = [kept, *map(Path, arguments)]
    try:
        text = chosen("\n".join(source.read_text(encoding="ascii") for source in sources))
    except KeyError as missing:
        code = int(missing.args[0], 16)
        print(f"no glyph for {chr(code)} (U+{code:04X}): install unifont, then run: {COMMAND}", file=sys.stderr)
        return 1
    kept.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
