"""A sticker for a unit that has been through a station: in ZPL II, which label printers in depots speak, and as PNG."""

from __future__ import annotations

from io import BytesIO

import segno
from PIL import Image, ImageDraw, ImageFont

from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.stations.states import CHECK, UNPROVEN, state_for

_DOTS_PER_MM = 8  # of a 203 dpi printer
_WIDTH_MM, _HEIGHT_MM = 50, 25
_WIDTH, _HEIGHT = _WIDTH_MM * _DOTS_PER_MM, _HEIGHT_MM * _DOTS_PER_MM
_DPI = 203
_QUIET_MODULES = 4
_MARGIN = 12
_BLACK, _WHITE = 0, 1
_LONGEST_IN_WIDE_BARS = 14  # characters of Code 128 on the sticker, at two dots a module

_NOBODY = "not identified"


def zpl(attempt: Attempt, uid: str | None) -> str:
    """One label of 50 mm x 25 mm: the verdict, the unit, its barcode, the attempt."""
    name = attempt.label or uid or _NOBODY
    bar = 2 if len(name) <= _LONGEST_IN_WIDE_BARS else 1
    lines = [
        "^XA",
        "^CI28",  # the text is UTF-8
        f"^PW{_WIDTH}",
        f"^LL{_HEIGHT}",
        *(["^FO0,4^GB400,52,52^FS"] if _stands_out(attempt) else []),
        f"^FO16,12^A0N,40,40{'^FR' if _stands_out(attempt) else ''}^FH^FD{_text(state_for(attempt.outcome))}^FS",
        *([] if _stands_out(attempt) else [f"^FO150,20^A0N,24,24^FH^FD{_text(attempt.outcome)}^FS"]),
        f"^FO16,62^BY{bar}^BCN,60,N,N,N^FH^FD{_text(name)}^FS",
        f"^FO16,130^A0N,24,24^FH^FD{_text(name)}^FS",
        f"^FO16,162^A0N,20,20^FH^FD{_text(f'{attempt.at:%Y-%m-%d} {attempt.helper} {attempt.sequence}')}^FS",
        "^XZ",
    ]
    return "\n".join(lines) + "\n"


def png(attempt: Attempt, uid: str | None) -> bytes:
    """The same for any other printer, dot by dot at 203 dpi; with a QR code, which holds a name of any length."""
    name = attempt.label or uid
    image = Image.new("1", (_WIDTH, _HEIGHT), _WHITE)
    draw = ImageDraw.Draw(image)
    right = _WIDTH - _MARGIN
    if name:
        right = _WIDTH - _draw_code(image, name) - _MARGIN
    lines = (
        (state_for(attempt.outcome), 44),
        (attempt.outcome, 18),
        (name or _NOBODY, 26),
        (f"{attempt.at:%Y-%m-%d %H:%M} UTC", 16),
        (f"{attempt.helper} {attempt.sequence}", 16),
    )
    top = _MARGIN
    for number, (text, size) in enumerate(lines):
        dark = number == 0 and _stands_out(attempt)
        if dark:  # white on black: it is not ready to be given back
            draw.rectangle((0, 0, right, top + size + size // 4), fill=_BLACK)
        draw.text((_MARGIN, top), text, fill=_WHITE if dark else _BLACK, font=_font_for(text, size, right - _MARGIN))
        top += size + size // 3
    file = BytesIO()
    image.save(file, "PNG", dpi=(_DPI, _DPI))
    return file.getvalue()


def _stands_out(attempt: Attempt) -> bool:
    """A unit that runs and is not ready to be given back must not look like one that is."""
    return state_for(attempt.outcome) in (CHECK, UNPROVEN)


def _draw_code(image: Image.Image, name: str) -> int:
    """A QR code at the right edge, as large as the sticker is high; returns its width with its quiet zone."""
    code = segno.make_qr(name, error="m")
    width = int(code.symbol_size(border=_QUIET_MODULES)[0])
    scale = max(1, _HEIGHT // width)
    left, top = _WIDTH - width * scale, (_HEIGHT - width * scale) // 2
    draw = ImageDraw.Draw(image)
    for row, modules in enumerate(code.matrix_iter(border=_QUIET_MODULES)):
        for column, dark in enumerate(modules):
            if dark:
                x, y = left + column * scale, top + row * scale
                draw.rectangle((x, y, x + scale - 1, y + scale - 1), fill=_BLACK)
    return width * scale


def _font_for(text: str, size: int, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font in which the text is no wider than that, at most so large."""
    font = ImageFont.load_default(size)
    length = font.getlength(text)
    return font if length <= width else ImageFont.load_default(max(8.0, size * width / length))


def _text(text: str) -> str:
    """As ^FH takes it: what could be a command of the printer is written as its bytes."""
    safe = []
    for character in text[:48]:
        if character in "^~_\\" or not character.isprintable():
            safe.append("".join(f"_{byte:02X}" for byte in character.encode("utf-8", "replace")))
        else:
            safe.append(character)
    return "".join(safe)
