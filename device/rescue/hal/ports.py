# What the agent needs from the world: one small class per thing. The classes here say what each method means; an
# implementation needs only the same methods (duck typing), it need not inherit. Units are in the names.
#
# Safe state, which every implementation must have before its constructor returns and after `release_all()`:
# unit power off, NRST, BOOT0, SWDIO and SWCLK high impedance, the unit's button not pressed.

from rescuelink.errors import TargetError


class Clock:
    """Time and the helper's own watchdog. Only differences of ms() and us() mean anything."""

    def ms(self):
        """Monotonic milliseconds; may wrap, compare with since_ms()."""

    def us(self):
        """Monotonic microseconds; may wrap at 2**30, so a difference is `(b - a) & 0x3FFFFFFF`."""

    def since_ms(self, start):
        """Milliseconds since `start`, a value of ms()."""

    def sleep_ms(self, n):
        """Wait `n` ms, keeping the watchdog fed."""

    def sleep_us(self, n):
        """Wait `n` us."""

    def feed(self):
        """Tell the watchdog that the agent is alive. If it is not told, the helper resets and power goes off."""


class Wire:
    """SWD in whole transfers; see hal/swd.py. Raises WireError. Registers: `ap` 0 = DP, 1 = AP; `a32` 0, 4, 8 or 12."""

    frequency_hz = 0
    cycles = 0  # SWCLK cycles so far

    def set_frequency(self, hz):
        """Ask for a SWCLK frequency; `frequency_hz` says what came of it (never above `hz`, where possible)."""

    def engage(self):
        """Drive SWCLK and SWDIO. Only after the unit's own 3.3 V has been judged good."""

    def release(self):
        """Both pins high impedance."""

    def line_reset(self):
        """At least 50 ones, then zeros. The next transfer must read DPIDR."""

    def jtag_to_swd(self):
        """Switch sequence from JTAG, ends with a line reset."""

    def dormant_to_swd(self):
        """Selection alert and activation from the dormant state, ends with a line reset."""

    def read(self, ap, a32):
        """The register's value. An AP register is read with RDBUFF: it is this read's value, not the one before."""

    def write(self, ap, a32, value):
        """One write. AP writes are buffered by the DP: an error shows on a later transfer."""

    def read_block(self, ap, a32, buf):
        """Read the register len(buf)/4 times into `buf`, pipelined, ending with RDBUFF."""

    def write_block(self, ap, a32, buf):
        """Write the words of `buf` to the register, one after the other, then at least 8 idle clocks."""

    def idle(self, cycles):
        """Clock `cycles` with SWDIO low."""


class Lines:
    """Single wires to the unit."""

    def power(self, on):
        """The unit's supply."""

    def nrst(self, low):
        """True pulls NRST low, False lets go. Open drain: never driven high."""

    def nrst_level(self):
        """True when NRST is high. The chip pulls it low for its own resets, too."""

    def nrst_edges(self):
        """Falling edges of NRST since the last call."""

    def boot0(self, level):
        """True, False, or None to let go."""

    def unit_button(self, pressed):
        """Press the unit's own power button."""

    def release_all(self):
        """The safe state: power off, everything let go."""


class Rails:
    """Voltages and the supply current."""

    names = ()

    def read_mv(self, name):
        """One filtered reading in mV."""

    def capture(self, window_ms, period_ms):
        """{name: (min_mv, mean_mv, max_mv)} over a window."""

    def current_ma(self):
        """Current of the bench supply in mA, or None if this helper cannot measure it."""


class Card:
    """The removable memory card with its FAT file system."""

    root = "/sd"

    def mount(self):
        """Mount at `root`. Raises CardError."""

    def unmount(self):
        """Flush and let go; harmless when not mounted."""

    def free_bytes(self):
        """Free space. Raises CardError."""


class Store:
    """Where the journal and the last records are mirrored in the helper's own flash."""

    root = "/flash"


class Panel:
    """Display, light, sound, button."""

    def show(self, framebuffer_bytes):
        """128x64 pixels, MONO_VLSB, 1024 bytes."""

    def led(self, red, green, blue):
        """Each 0..255."""

    def beep(self, ms):
        """Sound the buzzer for `ms`; returns at once where the hardware allows it."""

    def pressed(self):
        """True while the button is down."""


class Observer:
    """Whoever watches. Never needed: this one does nothing."""

    def event(self, name, data):
        """`data` is a dict of JSON types."""


class Ports:
    """Everything above, in one bundle."""

    def __init__(self, clock, wire, lines, rails, card, store, panel, observer=None):
        self.clock = clock
        self.wire = wire
        self.lines = lines
        self.rails = rails
        self.card = card
        self.store = store
        self.panel = panel
        self.observer = observer or Observer()


class Timeout:
    """A limit for one wait. Every loop that waits for hardware turns through check() or pause().

    what: what is waited for, e.g. "sector erase"; it becomes part of the error's message.
    """

    def __init__(self, clock, limit_ms, what, error=TargetError, address=None):
        self._clock = clock
        self._start = clock.ms()
        self._limit_ms = limit_ms
        self._what = what
        self._error = error
        self._address = address

    def restart(self, address=None):
        """The same limit from now on, for the next of many short waits."""
        self._start = self._clock.ms()
        self._address = address

    def expired(self):
        return self._clock.since_ms(self._start) > self._limit_ms

    def check(self):
        """Raise the error (kind "timeout") if the limit has passed."""
        if self.expired():
            message = "no end of the " + self._what + " after " + str(self._limit_ms) + " ms"
            raise self._error("timeout", message, self._address)

    def pause(self, ms):
        """check(), then sleep."""
        self.check()
        self._clock.sleep_ms(ms)
