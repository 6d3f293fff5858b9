# The unit's rails on the helper's ADC: dividers, an analogue multiplexer, calibration. Reference: bms-domain 4.

import time

from machine import ADC, Pin
from micropython import const

_SAMPLES = const(64)
_DROPPED = const(8)  # of the highest and of the lowest
_FULL_SCALE = const(65535)
_SETTLE_US = const(50)  # after switching the multiplexer: 10 kohm into its capacitance and the ADC's


class Rails:
    """config: the whole board.json. Each rail has "mux" (channel of the multiplexer) or "adc" (a pin of its own).

    A rail's "calibration" is null or [[raw, mv], [raw, mv]]: two raw readings (0..65535) and what a meter said. Without
    it the divider's nominal values and `vref_mv` count: about 1.6 % (bms-domain 4).
    """

    def __init__(self, config, current=None):
        mux = config.get("mux")
        self._mux_adc = ADC(Pin(mux["adc"])) if mux else None
        self._select = [Pin(number, Pin.OUT, value=0) for number in mux["select"]] if mux else []
        self._current = current
        self._samples = [0] * _SAMPLES
        self._rails = {}
        for name, rail in config["rails"].items():
            adc = self._mux_adc if "mux" in rail else ADC(Pin(rail["adc"]))
            if "atten" in config:
                adc.atten(config["atten"])  # ESP32: the input's range
            self._rails[name] = (adc, rail.get("mux"), line_through(rail, config["vref_mv"]))
        self.names = tuple(self._rails)

    def read_mv(self, name):
        adc, line = self._choose(name)
        samples = self._samples
        for index in range(_SAMPLES):
            samples[index] = adc.read_u16()
        return to_mv(trimmed_mean(samples), line)

    def capture(self, window_ms, period_ms):
        lows = {}
        highs = {}
        sums = {}
        count = 0
        start = time.ticks_ms()
        while not count or time.ticks_diff(time.ticks_ms(), start) < window_ms:
            for name in self.names:
                adc, line = self._choose(name)
                mv = to_mv(adc.read_u16(), line)
                lows[name] = min(lows.get(name, mv), mv)
                highs[name] = max(highs.get(name, mv), mv)
                sums[name] = sums.get(name, 0) + mv
            count += 1
            time.sleep_ms(period_ms)
        return {name: (lows[name], sums[name] // count, highs[name]) for name in self.names}

    def current_ma(self):
        return self._current.current_ma() if self._current else None

    def _choose(self, name):
        adc, channel, line = self._rails[name]
        if channel is not None:
            for bit, pin in enumerate(self._select):
                pin.value(channel >> bit & 1)
            time.sleep_us(_SETTLE_US)
        return adc, line


def line_through(rail, vref_mv):
    """(raw0, mv0, mv per full scale): the straight line from raw readings to mV."""
    points = rail.get("calibration")
    if points:
        (raw_a, mv_a), (raw_b, mv_b) = points
        return raw_a, mv_a, (mv_b - mv_a) * _FULL_SCALE // (raw_b - raw_a)
    bottom = rail["bottom_ohm"]
    return 0, 0, vref_mv * (rail["top_ohm"] + bottom) // bottom


def to_mv(raw, line):
    raw0, mv0, span_mv = line
    return mv0 + (raw - raw0) * span_mv // _FULL_SCALE


def trimmed_mean(samples):
    """Mean without the eight highest and the eight lowest; sorts `samples`."""
    samples.sort()
    kept = len(samples) - 2 * _DROPPED
    total = 0
    for index in range(_DROPPED, _DROPPED + kept):
        total += samples[index]
    return total // kept
