# The rails as board.json describes them: read once, when the helper starts, and let go with board.py.
#
# Each rail has "mux" (channel of the multiplexer) or "adc" (a pin of its own). A rail's "calibration" is null or
# [[raw, mv], [raw, mv]]: two raw readings (0..65535) and what a meter said. Without it the divider's nominal values and
# `vref_mv` count: about 1.6 %. "source_ohm" is what the ADC sees the rail through besides a divider's own resistance,
# and "adc_ohm" of the board the ADC's input resistance: both make a reading low. "zero" of the multiplexer is a channel
# that is tied to ground. A rail with "ina226" is that part's bus voltage.

import time

from machine import ADC, Pin
from micropython import const

_FULL_SCALE = const(65535)
_VREF_MV = const(3300)
_PULLED_MS = const(2)  # a weak pull into what a wire of 30 cm has


def multiplexer(mux):
    """(its ADC or None, its select pins, the channel that is tied to ground or None)."""
    if not mux:
        return None, [], None
    return ADC(Pin(mux["adc"])), [Pin(number, Pin.OUT, value=0) for number in mux["select"]], mux.get("zero")


def rails(config, mux_adc, select_channel, has_current):
    """{name: (ADC, channel or None, straight line, whether that is nominal)}, None of what the current sensor reads,
    and {name: mV at full scale} of those without a calibration."""
    found = {}
    spans = {}
    mux = config.get("mux")
    for name, rail in (config.get("rails") or {}).items():
        if "ina226" in rail:
            if has_current:
                found[name] = None
            continue
        if "mux" in rail:
            select_channel(rail["mux"])
        if floats(mux["adc"] if "mux" in rail else rail["adc"]):
            continue  # no divider is there: what it would read is no voltage
        adc = mux_adc if "mux" in rail else ADC(Pin(rail["adc"]))
        if "atten" in config:
            adc.atten(config["atten"])  # ESP32: the input's range
        line = line_through(rail, config.get("vref_mv", _VREF_MV), config.get("adc_ohm"))
        found[name] = (adc, rail.get("mux"), line, not rail.get("calibration"))
        if not rail.get("calibration"):
            spans[name] = line[2]
    return found, spans


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
