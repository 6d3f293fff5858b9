"""From the peripherals to the NVIC: interrupt lines by number, some shared (RM0468 chapter 19, vector table)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

TIMERS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    # (flags of SR, line)
    "TIM1": ((0x01, 25), (0x1E, 27)),
    "TIM2": ((0x1F, 28),),
    "TIM3": ((0x1F, 29),),
    "TIM4": ((0x1F, 30),),
    "TIM5": ((0x1F, 50),),
    "TIM6": ((0x01, 54),),
    "TIM7": ((0x01, 55),),
    "TIM8": ((0x01, 44), (0x1E, 46)),
    "TIM12": ((0x1F, 43),),
    "TIM13": ((0x1F, 44),),
    "TIM14": ((0x1F, 45),),
    "TIM15": ((0x1F, 116),),
    "TIM16": ((0x1F, 117),),
    "TIM17": ((0x1F, 118),),
    "TIM23": ((0x1F, 161),),
    "TIM24": ((0x1F, 162),),
}
USARTS: Final[dict[str, int]] = {
    "USART1": 37,
    "USART2": 38,
    "USART3": 39,
    "UART4": 52,
    "UART5": 53,
    "USART6": 71,
    "UART7": 82,
    "UART8": 83,
    "LPUART1": 142,
}
USARTS_OF_DIE: Final[dict[str, dict[str, int]]] = {
    "2": {"UART9": 155, "USART10": 156},
    "A": {"UART9": 140, "USART10": 141},
}


class Interrupts:
    """``on_line(number, level)`` is the NVIC's input."""

    def __init__(self, on_line: Callable[[int, bool], None]) -> None:
        self._on_line = on_line
        self._high: dict[int, set[int]] = {}
        self._sources = 0

    def source(self, number: int) -> Callable[[bool], None]:
        """A new source of that line, low at first: call it with its level. A line is high while any source is."""
        self._sources += 1
        source = self._sources
        high = self._high.setdefault(number, set())

        def set_level(level: bool) -> None:
            if level == (source in high):
                return
            if level:
                high.add(source)
            else:
                high.remove(source)
            self._on_line(number, bool(high))

        return set_level
