# The unit's rails on the helper's ADC: dividers, an analogue multiplexer, calibration (unit.md#adc-noise).

import time

from machine import ADC, Pin
from micropython import const

_SAMPLES = const(64)
_QUICK_SAMPLES = const(16)
_FULL_SCALE = const(65535)
_VREF_MV = const(3300)
_PULLED_MS = const(2)  # a weak pull into what a wire of 30 cm has
_SETTLE_US = const(50)  # after switching the multiplexer: 10 kohm into its capacitance and the ADC's


class Rails:
    """config: the whole board.json. Each rail has "mux" (channel of the multiplexer) or "adc" (a pin of its own).

    A rail's "calibration" is null or [[raw, mv], [raw, mv]]: two raw readings (0..65535) and what a meter said. Without
    it the divider's nominal values and `vref_mv` count: about 1.6 %. "source_ohm" is what the ADC sees the rail through
    besides a divider's own resistance, and "adc_ohm" of the board the ADC's input resistance: both make a reading low.
    "zero" of the multiplexer is a channel that is tied to ground. A rail with "ina226" is that part's bus voltage.
    """

    def __init__(self, config, current=None):
        mux = config.get("mux")
        self._mux_adc = ADC(Pin(mux["adc"])) if mux else None
        self._select = [Pin(number, Pin.OUT, value=0) for number in mux["select"]] if mux else []
        self._current = current
        self._ground = mux.get("zero") if mux else None
        self._zero = 0
        self._samples = [0] * _SAMPLES
        self._few = [0] * _QUICK_SAMPLES
        self._rails = {}
        self.spans = {}
        for name, rail in (config.get("rails") or {}).items():
            if "ina226" in rail:
                if current is not None:
                    self._rails[name] = None
                continue
            if "mux" in rail:
                self._select_channel(rail["mux"])
            if floats(mux["adc"] if "mux" in rail else rail["adc"]):
                continue  # no divider is there: what it would read is no voltage
            adc = self._mux_adc if "mux" in rail else ADC(Pin(rail["adc"]))
            if "atten" in config:
                adc.atten(config["atten"])  # ESP32: the input's range
            line = line_through(rail, config.get("vref_mv", _VREF_MV), config.get("adc_ohm"))
            self._rails[name] = (adc, rail.get("mux"), line, not rail.get("calibration"))
            if not rail.get("calibration"):
                self.spans[name] = line[2]
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


def floats(number):
    """Whether nothing holds the ADC's pin: a weak pull takes it from one end to the other. A divider, which lies on the
    helper's own board, holds it whether a unit is connected or not. False where a port has no pulls on such a pin."""
    readings = []
    try:
        for pull in (Pin.PULL_UP, Pin.PULL_DOWN):
            adc = ADC(Pin(number))
            Pin(number, Pin.IN, pull)
            time.sleep_ms(_PULLED_MS)
            readings.append(adc.read_u16())
        ADC(Pin(number, Pin.IN))
    except (AttributeError, ValueError, TypeError):
        return False
    up, down = readings
    return up > _FULL_SCALE * 9 // 10 and down < _FULL_SCALE // 10


def line_through(rail, vref_mv, adc_ohm=None):
    """(raw0, mv0, mv per full scale): the straight line from raw readings to mV."""
    points = rail.get("calibration")
    if points:
        (raw_a, mv_a), (raw_b, mv_b) = points
        return raw_a, mv_a, (mv_b - mv_a) * _FULL_SCALE // (raw_b - raw_a)
    bottom, top = rail["bottom_ohm"], rail["top_ohm"]
    span = vref_mv * (top + bottom) // bottom
    if adc_ohm:
        # The ADC's own resistance lies across the divider, whose two parts act as one source, in parallel.
        source = top * bottom // (top + bottom) + rail.get("source_ohm", 0)
        span += span * source // adc_ohm
    return 0, 0, span


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
