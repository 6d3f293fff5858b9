# The unit's rails on the helper's ADC: dividers, an analogue multiplexer, calibration (unit.md#adc-noise).

import time

from micropython import const

_SAMPLES = const(64)
_QUICK_SAMPLES = const(16)
_FULL_SCALE = const(65535)
_SETTLE_US = const(50)  # after switching the multiplexer: 10 kohm into its capacitance and the ADC's


class Rails:
    """config: the whole board.json, which board_rails.py reads. `current`: the current sensor, or None."""

    def __init__(self, config, current=None):
        from rescue.hal import board_rails

        self._current = current
        self._zero = 0
        self._samples = [0] * _SAMPLES
        self._few = [0] * _QUICK_SAMPLES
        self._mux_adc, self._select, self._ground = board_rails.multiplexer(config.get("mux"))
        has_current = current is not None
        self._rails, self.spans = board_rails.rails(config, self._mux_adc, self._select_channel, has_current)
        self.names = tuple(self._rails)

    def read_mv(self, name, quick=False):
        if self._rails[name] is None:
            return self._current.bus_mv()
        adc, line, zero = self._choose(name)
        return to_mv(max(self._mean_of(adc, self._few if quick else self._samples) - zero, 0), line)

    def read_raw(self, name):
        """What the ADC itself reads, of 65536; None for a rail that is read by another part."""
        return None if self._rails[name] is None else self._mean_of(self._choose(name)[0], self._samples)

    def grounded(self):
        """What the grounded channel of the multiplexer reads, of 65536; None where there is none."""
        if self._ground is None:
            return None
        self._select_channel(self._ground)
        return self._mean_of(self._mux_adc, self._samples)

    def set_zero(self, raw):
        """What the ADC reads at 0 V: taken off every reading of a rail without a calibration of its own."""
        self._zero = raw

    def _mean_of(self, adc, samples):
        read = adc.read_u16
        for index in range(len(samples)):
            samples[index] = read()
        return trimmed_mean(samples)

    def capture(self, window_ms, period_ms):
        lows = {}
        highs = {}
        sums = {}
        count = 0
        start = time.ticks_ms()
        while not count or time.ticks_diff(time.ticks_ms(), start) < window_ms:
            for name in self.names:
                if self._rails[name] is None:
                    mv = self._current.bus_mv()
                else:
                    adc, line, zero = self._choose(name)
                    mv = to_mv(max(adc.read_u16() - zero, 0), line)
                lows[name] = min(lows.get(name, mv), mv)
                highs[name] = max(highs.get(name, mv), mv)
                sums[name] = sums.get(name, 0) + mv
            count += 1
            time.sleep_ms(period_ms)
        return {name: (lows[name], sums[name] // count, highs[name]) for name in self.names}

    def current_ma(self):
        return self._current.current_ma() if self._current else None

    def arm_trip(self, ma):
        """The current sensor's own alert above `ma`, until power is off again; None: no alert. See docs/wiring.md."""
        if self._current:
            self._current.arm_trip(ma)

    def _choose(self, name):
        adc, channel, line, is_nominal = self._rails[name]
        if channel is not None:
            self._select_channel(channel)
        return adc, line, self._zero if is_nominal else 0

    def _select_channel(self, channel):
        for bit, pin in enumerate(self._select):
            pin.value(channel >> bit & 1)
        time.sleep_us(_SETTLE_US)


def to_mv(raw, line):
    raw0, mv0, span_mv = line
    return mv0 + (raw - raw0) * span_mv // _FULL_SCALE


def trimmed_mean(samples):
    """Mean without the highest and the lowest eighth; sorts `samples`."""
    samples.sort()
    first = len(samples) // 8
    end = len(samples) - first
    total = 0
    for index in range(first, end):
        total += samples[index]
    return total // (end - first)
