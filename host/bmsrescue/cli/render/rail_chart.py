"""How the rails moved, as one line of small bars per rail."""

from collections.abc import Mapping

from rich.text import Text

from bmsrescue.cli.output import ACCENT

NAMES = {"bplus": "B+", "v12": "12 V", "v5iso": "5 V iso", "v3v3": "3.3 V", "vcap": "VCAP"}
# Full height of each rail's bars: a little above what a healthy unit has.
_FULL_MV = {"bplus": 19_000, "v12": 12_600, "v5iso": 5_800, "v3v3": 3_500, "vcap": 1_300}
_BARS = " ▁▂▃▄▅▆▇█"
_MOST_COLUMNS, _FEWEST_COLUMNS = 52, 8
_BESIDE = 9 + 9  # left of the bars the rail's name, right of them its last voltage
_MOVED_MV = 400
_STIRRED_MV = 100
_LEAD_MS = 5
_FEWEST_POINTS = 3  # fewer are no curve


class RailChart:
    """Collects what the helper measured, and draws it when something moved."""

    def __init__(self) -> None:
        self._points: list[tuple[int, dict[str, int]]] = []

    def add(self, at_ms: int, rails_mv: Mapping[str, int]) -> None:
        """One point; `at_ms` never falls."""
        self._points.append((at_ms, dict(rails_mv)))

    def take(self, width: int = 80) -> list[Text]:
        """The lines of the chart, at most so wide, none when no rail moved; starts anew."""
        columns = max(_FEWEST_COLUMNS, min(_MOST_COLUMNS, width - _BESIDE))
        points, self._points = _from_first_move(self._points), self._points[-1:]
        if len(points) < _FEWEST_POINTS or not any(
            _moved([rails[name] for _ms, rails in points]) for name in points[0][1]
        ):
            return []
        first_ms, last_ms = points[0][0], points[-1][0]
        lines = []
        for name in points[0][1]:
            series = [(ms - first_ms, rails[name]) for ms, rails in points]
            bars = _bars(series, max(last_ms - first_ms, 1), _FULL_MV.get(name, 20_000), columns)
            end_mv = series[-1][1]
            lines.append(
                Text.assemble((f"{NAMES.get(name, name):>8} ", "bold"), (bars, ACCENT), f" {end_mv / 1000:6.2f} V")
            )
        lines.append(Text(f"{'':>9}|{f'{(last_ms - first_ms) / 1000:.2f} s':-^{columns - 2}}|", style="dim"))
        return lines


def _from_first_move(points: list[tuple[int, dict[str, int]]]) -> list[tuple[int, dict[str, int]]]:
    """Without the quiet time in front, which may be long and would press the rest together."""
    for index, (at_ms, rails) in enumerate(points):
        if any(abs(rails[name] - mv) > _STIRRED_MV for name, mv in points[0][1].items()):
            return [(at_ms - _LEAD_MS, points[0][1]), *points[index:]]
    return []


def _moved(values: list[int]) -> bool:
    return max(values) - min(values) > _MOVED_MV


def _bars(series: list[tuple[int, int]], span_ms: int, full_mv: int, columns: int) -> str:
    """The series resampled to so many columns; a column without a point of its own keeps the one before."""
    text, at = "", 0
    for column in range(columns):
        end_ms = (column + 1) * span_ms / columns
        while at + 1 < len(series) and series[at + 1][0] <= end_ms:
            at += 1
        level = round(series[at][1] / full_mv * (len(_BARS) - 1))
        text += _BARS[min(max(level, 0), len(_BARS) - 1)]
    return text
