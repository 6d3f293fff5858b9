"""A bar of how far something is, as wide as there is room for."""

from rich.text import Text

from bmsrescue.cli.output import ACCENT

_NAME_COLUMNS = 14
_MOST_CELLS, _FEWEST_CELLS = 30, 6
_INDENT, _NARROW_INDENT = 10, 2
_NARROW = 64


def bar_line(what: str, done: int, total: int, unit: str, spent_s: float, columns: int) -> Text:
    """ "write  ███░░░ 50 %  192 of 384 KiB  3.1 s" in at most `columns`."""
    indent = _INDENT if columns >= _NARROW else _NARROW_INDENT
    amount = _amount(done, total, unit) if columns >= _NARROW else ""
    tail = f" {100 * done // max(total, 1):3d} %{amount}  {max(spent_s, 0.0):.1f} s"
    room = columns - indent - _NAME_COLUMNS - 1 - max(len(tail), _room_for_tail(total, unit, columns))
    cells = max(_FEWEST_CELLS, min(_MOST_CELLS, room))
    full = cells * done // max(total, 1)
    return Text.assemble(
        f"{'':{indent}}{what:<{_NAME_COLUMNS}.{_NAME_COLUMNS}} ", ("█" * full + "░" * (cells - full), ACCENT), tail
    )


def _room_for_tail(total: int, unit: str, columns: int) -> int:
    """So that a bar has one length from its beginning to its end."""
    return len(" 100 %" + (_amount(total, total, unit) if columns >= _NARROW else "") + "  100.0 s")


def _amount(done: int, total: int, unit: str) -> str:
    if unit == "bytes":
        return f"  {done / 1024:,.0f} of {total / 1024:,.0f} KiB"
    return f"  {done} of {total} {unit}" if unit else ""
