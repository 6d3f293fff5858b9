"""The real ports, on a stand-in for `machine`: safe pins, filtered voltages, and SWD over two plain pins."""

import json
import time
from collections.abc import Iterator

import pytest

from bmsrescue.agent.files import device_dir, make_importable
from low_machine import ADC, I2C, PWM, WDT, Pin, machine_installed

make_importable()

from rescuelink.errors import CardError  # noqa: E402

CONFIG = json.loads((device_dir() / "board.json").read_text(encoding="utf-8"))
LINES = CONFIG["lines"]


@pytest.fixture(autouse=True)
def hardware(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MicroPython's `time` on a clock that only sleeping moves."""
    now_us = 0

    def sleep_us(duration: int) -> None:
        nonlocal now_us
        now_us += duration

    monkeypatch.setattr(time, "sleep_ms", lambda ms: sleep_us(ms * 1000), raising=False)
    monkeypatch.setattr(time, "sleep_us", sleep_us, raising=False)
    monkeypatch.setattr(time, "ticks_ms", lambda: now_us // 1000, raising=False)
    monkeypatch.setattr(time, "ticks_us", lambda: now_us, raising=False)
    monkeypatch.setattr(time, "ticks_diff", lambda a, b: a - b, raising=False)
    with machine_installed():
        yield


@pytest.fixture
def no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """No USB and no flash of its own: a computer has neither."""
    monkeypatch.setattr("rescue.hal.stream.UsbStream", lambda: None)
    monkeypatch.setattr("rescue.hal.store.Store", lambda: None)


def pins_are_safe() -> bool:
    pins = Pin.all
    return (
        pins[LINES["power"]].value() == 0
        and pins[LINES["unit_button"]].value() == 0
        and not any(pins[LINES[name]].drives_high for name in ("nrst", "boot0"))
        and pins[LINES["nrst"]].value() == 1
        and pins[LINES["boot0"]].mode == Pin.IN
    )


def test_nothing_is_driven_towards_the_unit_before_anybody_asks() -> None:
    from rescue.hal.lines import Lines

    Lines(LINES)
    assert pins_are_safe()


def test_release_all_is_safe_from_any_state() -> None:
    from rescue.hal.lines import Lines

    lines = Lines(LINES)
    lines.power(True)
    lines.nrst(True)
    lines.boot0(True)
    lines.unit_button(True)
    lines.release_all()
    assert pins_are_safe()


def test_nrst_is_never_driven_high() -> None:
    from rescue.hal.lines import Lines

    lines = Lines(LINES)
    for low in (True, False, True, False):
        lines.nrst(low)
        assert lines.nrst_level() is not low
    assert {mode for number, mode, _ in Pin.history if number == LINES["nrst"]} == {Pin.OPEN_DRAIN}


def test_the_chips_own_reset_is_seen_and_counted() -> None:
    from rescue.hal.lines import Lines

    lines = Lines(LINES)
    nrst = Pin.all[LINES["nrst"]]
    nrst.outside = 0
    assert not lines.nrst_level()
    assert nrst.handler is not None
    for _ in range(3):
        nrst.handler(nrst)
    assert lines.nrst_edges() == 3
    assert lines.nrst_edges() == 0


def test_boot0_is_high_low_or_let_go() -> None:
    from rescue.hal.lines import Lines

    lines = Lines(LINES)
    boot0 = Pin.all[LINES["boot0"]]
    lines.boot0(True)
    assert boot0.drives_high
    lines.boot0(False)
    assert (boot0.mode, boot0.level) == (Pin.OUT, 0)
    lines.boot0(None)
    assert boot0.mode == Pin.IN


def rails_with(readings: dict[int, object], **rails: dict[str, object]) -> object:
    from rescue.hal.rails import Rails

    ADC.readings = dict.fromkeys(range(8), 0)  # while it looks whether anything holds the pins
    ADC.select = tuple(CONFIG["mux"]["select"])
    made = Rails({**CONFIG, "rails": rails or CONFIG["rails"]})
    ADC.readings = readings
    return made


def rail_mv(name: str, raw: float) -> float:
    """Ohm's law: what a rail must be for the ADC's pin to read `raw` of 65535, with the current that the ADC takes."""
    rail, pin_mv = CONFIG["rails"][name], raw * CONFIG["vref_mv"] / 65535
    adc_ua = pin_mv * 1e3 / CONFIG["adc_ohm"]
    middle_mv = pin_mv + adc_ua * rail["source_ohm"] / 1e3
    return middle_mv + (middle_mv * 1e3 / rail["bottom_ohm"] + adc_ua) * rail["top_ohm"] / 1e3


def test_each_rail_is_read_through_its_own_divider_and_channel() -> None:
    half_scale = 32768
    rails = rails_with(dict.fromkeys(range(5), half_scale))
    assert rails.names == ("bplus", "v12", "v5iso", "v3v3", "vcap")
    nominal = {"bplus": 1650 * 31, "v12": 1650 * 6, "v5iso": 1650 * 2, "v3v3": 1650 * 2, "vcap": 1650 * 1.1}
    for name, mv in nominal.items():
        assert rails.read_mv(name) == pytest.approx(rail_mv(name, half_scale), rel=1e-3)
        assert rails.read_mv(name) == pytest.approx(mv, rel=0.011)


def test_a_few_wild_samples_do_not_move_a_reading() -> None:
    noise = iter([65535, 0] * 6 + [30000] * 52)
    rails = rails_with({3: lambda: next(noise)})
    assert rails.read_mv("v3v3") == pytest.approx(rail_mv("v3v3", 30000), abs=2)


def test_two_points_of_a_meter_replace_the_nominal_divider() -> None:
    rail = {"mux": 3, "top_ohm": 1, "bottom_ohm": 1, "calibration": [[1000, 50], [41000, 4050]]}
    rails = rails_with({3: 21000}, v3v3=rail)
    assert rails.read_mv("v3v3") == pytest.approx(2050, abs=2)


def test_what_the_adc_reads_is_told_without_divider_zero_or_calibration() -> None:
    rail = {"mux": 3, "top_ohm": 1, "bottom_ohm": 1, "calibration": [[1000, 50], [41000, 4050]]}
    rails = rails_with({0: 5000, 3: 21000}, v3v3=rail, bplus=CONFIG["rails"]["bplus"])
    rails.set_zero(300)
    assert (rails.read_raw("v3v3"), rails.read_raw("bplus")) == (21000, 5000)


def test_a_capture_keeps_the_shortest_dip() -> None:
    samples = iter([40000] * 5 + [10000] + [40000] * 100)
    rails = rails_with({3: lambda: next(samples)}, v3v3=CONFIG["rails"]["v3v3"])
    low, mean, high = rails.capture(20, 1)["v3v3"]
    assert low == pytest.approx(rail_mv("v3v3", 10000), abs=2)
    assert high == pytest.approx(rail_mv("v3v3", 40000), abs=2)
    assert low < mean < high


def test_the_current_is_none_without_a_meter_and_signed_with_one() -> None:
    from rescue.hal.ina226 import Ina226
    from rescue.hal.rails import Rails

    ADC.readings = dict.fromkeys(range(8), 0)
    assert Rails(CONFIG).current_ma() is None
    i2c = I2C()
    i2c.registers[1] = (4000).to_bytes(2, "big")  # 10 mV over 0.1 ohm
    meter = Ina226(i2c, 64, 100)
    assert Rails(CONFIG, meter).current_ma() == 100
    i2c.registers[1] = (-400).to_bytes(2, "big", signed=True)
    assert meter.current_ma() == -10
    i2c.present = False
    assert meter.current_ma() is None


def test_a_missing_display_leaves_light_and_sound() -> None:
    from rescue.hal.panel import Panel

    i2c = I2C()
    i2c.present = False
    panel = Panel(CONFIG["panel"], i2c)
    assert not panel.has_display
    panel.show(bytes(1024))
    panel.led(0, 255, 0)
    assert [pwm.duty for pwm in panel._leds] == [0, 65535, 0]
    panel.beep(400)
    assert isinstance(panel._buzzer, PWM)
    assert panel._buzzer.duty > 0
    panel._silence.callback(panel._silence)
    assert panel._buzzer.duty == 0


def test_a_picture_goes_to_the_display_whole() -> None:
    from rescue.hal.panel import Panel

    i2c = I2C()
    panel = Panel(CONFIG["panel"], i2c)
    picture = bytes(range(256)) * 4
    panel.show(picture)
    assert i2c.written[-1] == b"\x40" + picture


def test_the_button_is_active_low() -> None:
    from rescue.hal.panel import Panel

    panel = Panel(CONFIG["panel"], I2C())
    button = Pin.all[CONFIG["panel"]["button"]]
    assert not panel.pressed()
    button.outside = 0
    assert panel.pressed()


def test_the_watchdog_starts_with_the_first_feed_and_is_fed_through_long_sleeps() -> None:
    from rescue.hal.clock import Clock

    clock = Clock(8000)
    clock.sleep_ms(20_000)
    assert WDT.fed == []
    clock.feed()
    clock.sleep_ms(20_000)
    assert WDT.fed == [8000] + [0] * 20


def test_swd_over_plain_pins_is_the_same_line_protocol() -> None:
    from rescue.hal.swd_pins import PinBits

    bits = PinBits(6, 7)
    assert {Pin.all[6].mode, Pin.all[7].mode} == {Pin.IN}
    bits.engage()
    Pin.history.clear()
    bits.clock_out(0b1011, 4)
    data = [level for number, _, level in Pin.history if number == 7]
    clock = [level for number, _, level in Pin.history if number == 6]
    assert data == [1, 1, 0, 1]
    assert clock == [1, 0] * 4
    Pin.all[7].outside = 1
    assert bits.clock_in(5) == 0b11111
    assert Pin.all[7].mode == Pin.IN
    bits.clock_out(0, 1)
    assert Pin.all[7].mode == Pin.OUT
    bits.release()
    assert {Pin.all[6].mode, Pin.all[7].mode} == {Pin.IN}
    assert bits.cycles == 10


def test_safe_pins_come_before_everything_else() -> None:
    from rescue.hal.board import safe_pins

    for name in ("power", "nrst", "boot0", "unit_button"):
        Pin(LINES[name], Pin.OUT, value=1)
    safe_pins(CONFIG)
    pins = Pin.all
    assert pins[LINES["power"]].value() == 0
    assert pins[LINES["unit_button"]].value() == 0
    for number in (LINES["nrst"], LINES["boot0"], CONFIG["swd"]["swclk"], CONFIG["swd"]["swdio"]):
        assert pins[number].mode == Pin.IN


def test_no_pin_of_the_board_has_two_jobs() -> None:
    used = [
        *LINES.values(),
        *CONFIG["swd"].values(),
        CONFIG["mux"]["adc"],
        *CONFIG["mux"]["select"],
        CONFIG["i2c"]["sda"],
        CONFIG["i2c"]["scl"],
        *(CONFIG["panel"][name] for name in ("red", "green", "blue", "buzzer", "button")),
        *(CONFIG["card"][name] for name in ("sck", "mosi", "miso", "cs")),
    ]
    assert len(used) == len(set(used))
    assert all(0 <= number <= 28 and number not in (23, 24, 25) for number in used)  # a Pico's own 23..25


def test_boot0_is_driven_low_before_it_is_let_go_from_high() -> None:
    from rescue.hal.lines import Lines

    lines = Lines(LINES)
    lines.boot0(True)
    Pin.history.clear()
    lines.boot0(None)
    steps = [(mode, level) for number, mode, level in Pin.history if number == LINES["boot0"]]
    assert steps == [(Pin.OUT, 0), (Pin.IN, None)]
    Pin.history.clear()
    lines.release_all()
    assert [mode for number, mode, _ in Pin.history if number == LINES["boot0"]] == [Pin.IN]


def test_a_grounded_channel_tells_the_zero_which_is_taken_off_what_has_no_calibration() -> None:
    from rescue.hal.rails import Rails

    ADC.readings = {0: 300, 3: 21300, 7: 300}
    ADC.select = tuple(CONFIG["mux"]["select"])
    met = {"mux": 3, "top_ohm": 1, "bottom_ohm": 1, "calibration": [[1300, 50], [41300, 4050]]}
    rails = {"bplus": CONFIG["rails"]["bplus"], "v3v3": met}
    read = Rails({**CONFIG, "mux": {**CONFIG["mux"], "zero": 7}, "rails": rails})
    assert read.grounded() == 300
    assert read.read_mv("bplus") > 460
    read.set_zero(300)
    assert (read.read_mv("bplus"), list(read.spans)) == (0, ["bplus"])
    assert read.read_mv("v3v3") == pytest.approx(2050, abs=2)


def test_the_adcs_own_resistance_lies_across_a_divider() -> None:
    from rescue.hal.board_rails import line_through

    rail = {"top_ohm": 10_000, "bottom_ohm": 10_000}
    assert line_through(rail, 3300)[2] == 6600
    assert line_through(rail, 3300, 100_000)[2] == 6930
    assert line_through({**rail, "source_ohm": 5000}, 3300, 100_000)[2] == 7260


def test_the_current_sensor_is_told_to_cut_by_itself_and_not_to() -> None:
    from machine import I2C

    from rescue.hal.ina226 import Ina226

    bus = I2C()
    bus.registers[6] = b"\x00\x00"
    bus.registers[2] = (14_400).to_bytes(2, "big")
    meter = Ina226(bus, 0x40, 100)
    meter.arm_trip(300)  # 30 mV over 100 mohm, 2.5 uV a bit
    meter.arm_trip(None)
    assert bus.written == [b"\x07" + (12_000).to_bytes(2, "big"), b"\x06\x80\x01", b"\x06\x00\x00"]
    assert meter.bus_mv() == 18_000
    bus.present = False
    meter.arm_trip(300)


@pytest.mark.usefixtures("no_stream")
def test_a_board_of_three_wires_opens_and_says_what_it_does_without() -> None:
    from rescue.hal.board import open as open_board
    from rescue.hal.ports import PARTS

    ports = open_board({"swd": {**CONFIG["swd"], "wire": "pin"}})
    assert ports.missing == tuple(part for part in PARTS if part != "pulls")
    assert (ports.rails.names, ports.rails.capture(1, 1), ports.rails.current_ma()) == ((), {}, None)
    lines, panel = ports.lines, ports.panel
    for act in (lines.power, lines.nrst, lines.unit_button, lines.boot0):
        act(True)
    lines.release_all()
    assert (lines.nrst_level(), lines.nrst_edges()) == (True, 0)
    panel.show(bytes(1024))
    panel.led(255, 0, 0)
    panel.beep(10)
    assert not panel.pressed()
    with pytest.raises(CardError, match="no card slot"):
        ports.card.mount()
    assert {number for number, mode, _ in Pin.history if mode != Pin.IN} <= set(CONFIG["swd"].values())


@pytest.mark.parametrize("part", ["lines", "mux", "rails", "i2c", "ina226", "panel", "card", "watchdog_ms", "vref_mv"])
@pytest.mark.usefixtures("no_stream")
def test_each_part_of_a_board_may_be_missing(part: str) -> None:
    from rescue.hal.board import open as open_board

    config = {name: value for name, value in CONFIG.items() if name != part} | {"swd": {**CONFIG["swd"], "wire": "pin"}}
    if part == "mux":
        config["rails"] = {}
    ADC.readings, ADC.select = dict.fromkeys(range(8), 100), tuple(CONFIG["mux"]["select"])
    ports = open_board(config)
    assert ports.rails.names == (() if part in ("rails", "mux") else tuple(CONFIG["rails"]))


@pytest.mark.parametrize("name", ["power", "nrst", "boot0", "unit_button"])
@pytest.mark.usefixtures("no_stream")
def test_each_line_may_be_missing(name: str) -> None:
    from rescue.hal.board import open as open_board

    ADC.readings, ADC.select = dict.fromkeys(range(8), 100), tuple(CONFIG["mux"]["select"])
    lines = {line: pin for line, pin in LINES.items() if line != name}
    ports = open_board({**CONFIG, "lines": lines, "swd": {**CONFIG["swd"], "wire": "pin"}})
    assert name in ports.missing
    ports.lines.release_all()
    assert LINES[name] not in Pin.all


def test_a_pin_that_nothing_holds_is_no_rail() -> None:
    from rescue.hal.rails import Rails

    pin = CONFIG["mux"]["adc"]
    ADC.select = tuple(CONFIG["mux"]["select"])
    ADC.readings = dict.fromkeys(
        range(8), lambda: {Pin.PULL_UP: 65_000, Pin.PULL_DOWN: 300}.get(Pin.all[pin].pull, 9_000)
    )
    assert Rails(CONFIG).names == ()
    held = dict.fromkeys(range(8), lambda: {Pin.PULL_UP: 6_500, Pin.PULL_DOWN: 4_800}.get(Pin.all[pin].pull, 5_000))
    ADC.readings = held
    assert Rails(CONFIG).names == tuple(CONFIG["rails"]), "a weak pull moves what a divider holds by little"
