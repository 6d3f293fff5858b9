# The panel: an SSD1306 display, an RGB light, a buzzer and one button.

from machine import PWM, Pin, Timer
from micropython import const

_BUZZER_HZ = const(2700)
_COMMANDS = const(0x80)  # control byte: one command follows
_DATA = b"\x40"  # control byte: display data follow

# Solomon SSD1306 data sheet section 10 and its application note's charge pump: 128x64, page by page, left to right.
_INIT = (
    b"\xae"  # display off
    b"\x20\x00"  # horizontal addressing
    b"\x40\xa1\xc8"  # start line 0, column 127 and COM 63 first: upright with the pins on top
    b"\xa8\x3f\xd3\x00\xda\x12"  # 64 lines, no offset, alternating COM pins
    b"\xd5\x80\xd9\xf1\xdb\x30"  # clock, precharge, deselect level
    b"\x81\xff\xa4\xa6\x8d\x14"  # contrast, show memory, not inverted, charge pump on
    b"\xaf"  # display on
)
_WHOLE_SCREEN = b"\x21\x00\x7f\x22\x00\x07"  # columns 0..127, pages 0..7


class Panel:
    """config: {"address", "red", "green", "blue", "buzzer", "button"}, "led" in place of the three colours for a single
    light, and "timer" where there are no virtual ones.

    Any of them may be missing, and a display that does not answer is none: what is there tells the outcome."""

    def __init__(self, config, i2c):
        self._i2c = i2c
        self._address = config.get("address")
        self._leds = [_pwm(config, name, 1000) for name in ("red", "green", "blue")]
        self._led = _pwm(config, "led", 1000)
        self.has_light = any(self._leds) or self._led is not None
        self._buzzer = _pwm(config, "buzzer", _BUZZER_HZ)
        self._silence = None if self._buzzer is None else Timer(config.get("timer", -1))
        self._button = Pin(config["button"], Pin.IN, Pin.PULL_UP) if "button" in config else None
        self.has_display = self._address is not None and i2c is not None and self._send(_INIT)

    def show(self, framebuffer_bytes):
        if self.has_display and self._send(_WHOLE_SCREEN):
            try:
                self._i2c.writevto(self._address, (_DATA, framebuffer_bytes))
            except OSError:
                self.has_display = False

    def led(self, red, green, blue):
        for pwm, level in zip(self._leds, (red, green, blue)):  # noqa: B905 - no strict= on MicroPython
            if pwm is not None:
                pwm.duty_u16(level * 257)
        if self._led is not None:
            self._led.duty_u16(max(red, green, blue) * 257)

    def beep(self, ms):
        if self._buzzer is None:
            return
        self._buzzer.duty_u16(32768)
        self._silence.init(mode=Timer.ONE_SHOT, period=ms, callback=self._stop_beep)

    def pressed(self):
        return self._button is not None and self._button.value() == 0

    def _stop_beep(self, _timer):
        self._buzzer.duty_u16(0)

    def _send(self, commands):
        """True if the display took all of them."""
        try:
            for command in commands:
                self._i2c.writeto(self._address, bytes((_COMMANDS, command)))
        except OSError:
            return False
        return True


def _pwm(config, name, hz):
    return PWM(Pin(config[name]), freq=hz, duty_u16=0) if name in config else None
