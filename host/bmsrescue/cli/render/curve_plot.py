"""Draws a power-up curve as SVG, or as PNG in the same shape."""

from __future__ import annotations

import io
from dataclasses import dataclass
from html import escape

from bmsrescue.cli.render.rail_chart import NAMES
from bmsrescue.client.power_curve import PowerCurve

_WIDTH, _HEIGHT = 900, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 110, 20, 40
# Okabe and Ito's palette: told apart by people who do not see all colours.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_INK, _GRID = "#333333", "#DDDDDD"
_STEPS_MV = (250, 500, 1000, 2000, 5000, 10000)
_STEPS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_MAX_LINES = 10
_LETTERS_PX = 12
_FINER = 2  # of a PNG while it is drawn


@dataclass
class _Scale:
    """Picture coordinates of a time and a voltage."""

    span_ms: int
    top_mv: int

    def x(self, at_ms: int) -> float:
        return _LEFT + at_ms * (_WIDTH - _LEFT - _RIGHT) / self.span_ms

    def y(self, mv: int) -> float:
        return _HEIGHT - _BOTTOM - mv * (_HEIGHT - _TOP - _BOTTOM) / self.top_mv


def draw(curve: PowerCurve, suffix: str) -> bytes:
    """The picture, ".svg" or ".png"."""
    points = curve.points or [(0, {})]
    highest = max((mv for _ms, rails in points for mv in rails.values()), default=0)
    scale = _Scale(max(points[-1][0], 1), max(round(highest * 1.05), 1000))
    trip = curve.trip
    title = f"power cut: {trip['kind']} on {NAMES.get(trip['rail'], trip['rail'])}" if trip else ""
    if suffix == ".svg":
        return _Svg().picture(points, scale, title).encode()
    return _Png().picture(points, scale, title)


def _lines_at(limit: int, steps: tuple[int, ...]) -> range:
    step = next((step for step in steps if limit / step <= _MAX_LINES), steps[-1])
    return range(0, limit + 1, step)


def _series(
    points: list[tuple[int, dict[str, int]]], scale: _Scale
) -> list[tuple[str, str, list[tuple[float, float]]]]:
    """(label, colour, picture coordinates) of each rail."""
    return [
        (
            NAMES.get(name, name),
            _COLOURS[index % len(_COLOURS)],
            [(scale.x(at), scale.y(rails[name])) for at, rails in points],
        )
        for index, name in enumerate(points[0][1])
    ]


def _label_rows(series: list[tuple[str, str, list[tuple[float, float]]]]) -> dict[str, float]:
    """Where each label stands: beside its line's end, but never on another label."""
    rows: dict[str, float] = {}
    lowest = float(_HEIGHT)
    for label, _colour, line in sorted(series, key=lambda entry: -entry[2][-1][1]):
        lowest = min(line[-1][1], lowest - 14)
        rows[label] = lowest
    return rows


class _Svg:
    def picture(self, points: list[tuple[int, dict[str, int]]], scale: _Scale, title: str) -> str:
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
            f'font-size="12" fill="{_INK}">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        ]
        for mv in _lines_at(scale.top_mv, _STEPS_MV):
            y = scale.y(mv)
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mv / 1000:g} V</text>')
        for ms in _lines_at(scale.span_ms, _STEPS_MS):
            x = scale.x(ms)
            parts.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{_GRID}"/>')
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{ms} ms</text>')
        series = _series(points, scale)
        rows = _label_rows(series)
        for label, colour, line in series:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts.append(
                f'<text x="{_WIDTH - _RIGHT + 8}" y="{rows[label] + 4:.1f}" fill="{colour}">{escape(label)}</text>'
            )
        parts.append(f'<text x="{_LEFT}" y="14">{escape(title)}</text></svg>')
        return "\n".join(parts) + "\n"


class _Png:
    """Drawn larger and made smaller, so that lines have no steps."""

    def picture(self, points: list[tuple[int, dict[str, int]]], scale: _Scale, title: str) -> bytes:
        from PIL import Image, ImageDraw, ImageFont  # late: few commands draw

        image = Image.new("RGB", (_WIDTH * _FINER, _HEIGHT * _FINER), "white")
        self._draw = ImageDraw.Draw(image)
        self._font = ImageFont.load_default(_LETTERS_PX * _FINER)
        for mv in _lines_at(scale.top_mv, _STEPS_MV):
            self._line([(_LEFT, scale.y(mv)), (_WIDTH - _RIGHT, scale.y(mv))], _GRID, 1)
            self._words(_LEFT - 6, scale.y(mv), f"{mv / 1000:g} V", _INK, "rm")
        for ms in _lines_at(scale.span_ms, _STEPS_MS):
            self._line([(scale.x(ms), _TOP), (scale.x(ms), _HEIGHT - _BOTTOM)], _GRID, 1)
            self._words(scale.x(ms), _HEIGHT - _BOTTOM + 8, f"{ms} ms", _INK, "mt")
        series = _series(points, scale)
        rows = _label_rows(series)
        for label, colour, line in series:
            self._line(line, colour, 2)
            self._words(_WIDTH - _RIGHT + 8, rows[label], label, colour, "lm")
        self._words(_LEFT, 4, title, _INK, "lt")
        stream = io.BytesIO()
        image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(stream, "PNG", optimize=True)
        return stream.getvalue()

    def _line(self, points: list[tuple[float, float]], colour: str, width: int) -> None:
        finer = [(x * _FINER, y * _FINER) for x, y in points]
        self._draw.line(finer, fill=colour, width=width * _FINER, joint="curve")

    def _words(self, x: float, y: float, words: str, colour: str, anchor: str) -> None:
        """`anchor` as Pillow has it: where (x, y) is in the words."""
        self._draw.text((x * _FINER, y * _FINER), words, fill=colour, font=self._font, anchor=anchor)
