"""The dongle's 128x64 display in the terminal."""

from rich.panel import Panel
from rich.text import Text

from bmsrescue.twin.helper.panel import WIDTH
from bmsrescue.twin.helper.picture import as_braille, as_text

_FRAME_COLUMNS = 4


def dongle_panel(frame: bytes, title: str, columns: int) -> Panel | None:
    """The picture in half blocks, or, where the terminal is too narrow for 128 of them, in Braille dots; None where it
    is too narrow for those as well."""
    if columns < WIDTH // 2 + _FRAME_COLUMNS:
        return None
    lines = as_text(frame) if columns >= WIDTH + _FRAME_COLUMNS else as_braille(frame)
    return Panel(Text("\n".join(lines), no_wrap=True), title=title, expand=False)
