# What the agent needs from the world: a few small ports, each with a handful of methods. Implementations only need the
# same methods (duck typing): the real ones are in this folder, the twin's in its own. Units are in the names.
#
# Safe state, which every implementation must have before its constructor returns and after `release_all()`:
# unit power off, NRST, BOOT0, SWDIO and SWCLK high impedance, the unit's button not pressed.
#
# Clock: time and the helper's own watchdog. Only differences of ms() and us() mean anything.
#   ms()                      monotonic milliseconds; may wrap, compare with since_ms()
#   us()                      monotonic microseconds; may wrap at 2**30: a difference is (b - a) & 0x3FFFFFFF
#   since_ms(start)           milliseconds since `start`, a value of ms()
#   sleep_ms(n), sleep_us(n)  wait, keeping the watchdog fed
#   feed()                    tell the watchdog that the agent lives; untold, the helper resets and power goes off
#   stop_watchdog() -> bool   for the time at the interpreter's prompt; False where it cannot be stopped
#
# Wire: SWD in whole transfers (swd.py). Raises WireError. `ap` 0 is the DP, 1 the selected AP; `a32` is 0, 4, 8 or 12.
#   set_frequency(hz)         ask for a SWCLK frequency; `frequency_hz` says what came of it
#   engage()                  drive SWCLK and SWDIO: only after the unit's own 3.3 V has been judged good
#   release()                 both pins high impedance
#   line_reset()              at least 50 ones, then zeros; the next transfer must read DPIDR
#   jtag_to_swd()             the switch from JTAG, with a line reset after it
#   dormant_to_swd()          selection alert and activation, with a line reset after it
#   read(ap, a32) -> int      the register's value; for an AP it is this read's value (RDBUFF), not the one before.
#   write(ap, a32, value)     one write; the DP buffers AP writes, so that an error shows on a later transfer
#   read_block(ap, a32, buf)  read the register len(buf)/4 times into `buf`, pipelined; ends with RDBUFF
#   write_block(ap, a32, buf) write the words of `buf` to the register in turn
#                             Behind each of the four go at least 8 idle clocks, so that the clock may stop (ADIv5.2
#                             B4.1.1): a clock that stops before may lose a write
#   read_page(address, buf), write_page(address, buf)
#                             only where the wire has them, for speed: TAR, then DRW, in one go. Bank 0 of an AP is
#                             selected; all lies in one 1 KiB page. Where a word comes damaged the rest is read again
#                             from its address. Writing: error.done is -1 where not even TAR was taken
#   pulled(up)                with both pins let go, what a weak pull-up (True) or pull-down of ours makes of them:
#                             SWDIO in bit 0, SWCLK in bit 1; the pins are let go again. Not called without "pulls"
#   idle(cycles)              clock with SWDIO low
#   bits_out(value, count)    drive bits that belong to no transfer, LSB first
#   bits_in(count) -> int     sample at most 24 bits, LSB first
#   cycles                    SWCLK cycles so far
#   resends                   answers that came damaged and were asked for again, so far
#
# Bulk: read_block and write_block are where speed is won. Whatever moves the bits (Python, viper, PIO with DMA) keeps
# to this, so that nothing above needs to know:
#   - buf: 4 to 1024 bytes (MemAp never crosses TAR's 1 KiB), any object with a buffer; no allocation per word
#   - one transfer per word, back to back: 8 request + turnaround + 3 ACK + turnaround + 32 data + parity = 46 clocks
#   - each ACK is looked at before anything follows that relies on it. WAIT: the same word again after 13 clocks,
#     at most `wait_limit` times in a row: no word is lost and none taken twice. ORUNDETECT is 0, and stays so
#   - write parity from the sender; read parity checked for each word: RESEND once, then WireError("parity")
#   - WireError.done: the words that are through for certain. Reading: how many of `buf` are good. Writing: how many the
#     bus has taken; a "fault" tells of the word before, which is therefore not counted
#   - on return the last word of a write may still be in the DP's buffer; RDBUFF (or any later transfer) tells of it
#
# Lines: single wires to the unit.
#   power(on)                 the unit's supply
#   nrst(low)                 True pulls NRST low, False lets go; open drain, never driven high
#   nrst_level() -> bool      True when high; the chip pulls it low for its own resets, too
#   nrst_edges() -> int       falling edges since the last call
#   boot0(level)              True, False, or None to let go
#   unit_button(pressed)      press the unit's own power button
#   release_all()             the safe state
#
# Rails: voltages, and the supply current.
#   names                     of the rails this helper is wired to
#   read_mv(name, quick=False) -> int   one filtered reading; `quick`: of fewer samples, where a limit is far away
#   read_raw(name) -> int     what its ADC reads, of 65536; None for one that is on no ADC
#   capture(window_ms, period_ms) -> {name: (min_mv, mean_mv, max_mv)}
#   current_ma() -> int       of the bench supply, or None where this helper cannot measure it
#   spans                     {name: mV at the ADC's full scale} of the rails without a calibration of their own
#   grounded() -> int         what a grounded channel reads, of 65536; None where there is none
#   set_zero(raw)             what the ADC reads at 0 V, of 65536: taken off every reading of the rails in `spans`
#   arm_trip(ma)              the current sensor cuts the supply by itself above `ma`; None: it does not
#
# Card: the memory card with its FAT file system. Raises CardError.
#   mount(), unmount()        at `root` ("/sd"); unmount is harmless when nothing is mounted
#   free_bytes(feed) -> int; `feed` is called meanwhile: it may take long on a large card
#   look() -> bytes           tells the card in the slot from any other, mounted or not; None: there is none, or nobody
#                             can say
#
# Store: `root` ("/flash"), where journal and records are mirrored in the helper's own flash.
#
# Panel: display, light, sound, button.
#   show(framebuffer_bytes)   128x64 pixels, MONO_VLSB, 1024 bytes
#   led(red, green, blue)     each 0..255
#   beep(ms)                  sound for `ms`
#   pressed() -> bool         True while the button is down
#
# Observer: event(name, data), `data` a dict of JSON types. Whoever watches; never needed.
#
# Stream: bytes to and from a host; None on a helper without one.
#   readinto(view) -> int     bytes that were there to read, 0 when there are none; never blocks
#   write(view)               all of it, within a bounded time; raises OSError when nobody takes it
#   wait(ms) -> bool          until there is something to read (True), at most `ms`
#   session(is_open)          while one is open every byte is data, Ctrl-C too
#   ms(), since_ms(start)     time on the host's side of things: real where the helper's clock is virtual
#
# Packets: of a debugger that takes this helper for a CMSIS-DAP probe; None on a helper that is none ("dap").
#   open(is_open)             answer from now on, or refuse
#   wait(ms) -> bool          until a packet is there, at most `ms`
#   take() -> view            the oldest one, at most 64 bytes; void at the next call
#   reply                     a view of 64 bytes for its answer
#   send(length)              so much of it goes to the host; OSError when nobody takes it within a second
#   resets                    how often the bus was reset: the helper was plugged in anew, or the host was
#
# missing: the parts (PARTS) that this helper does without. Their methods do nothing: power() switches nothing, an NRST
# that is not wired reads high without an edge, button and card are never there. Rails: those that are not in `names`.
# "nrst_level" as well: NRST is pulled, but not read back (most debug probes); it reads as what was made of it.
#
# Person: who does by hand what the helper has no part for (engine/common/by_hand.py); made for a run.
#   ask(what, text, is_so)    `what`: "power", "boot0"; `text`: what to do now; is_so(): whether the helper sees that it
#                             is done, None where it cannot. "seen", "done" (they say so), "cannot", or None: no answer
#                             in time
#   read(text) -> int         what their meter reads, in mV; None where they cannot say. Only where a host asks
#
# helper_id: the number that the helper's hardware has and no other has, in lower-case hex digits; None where there is
# none. The name in board.json is only a label: two helpers may have the same.

from micropython import const

from rescuelink.errors import TargetError

PARTS = ("power", "nrst", "boot0", "unit_button", "pulls", "card", "display", "leds", "buzzer", "button")
_NRST_RISE_MS = const(2000)
_NRST_LOOK_MS = const(1)


class Observer:
    """Nobody watches."""

    def event(self, name, data):
        pass


class Ports:
    """Everything above, in one bundle."""

    packets = None
    hands = None  # HandLines (engine/common/by_hand.py) of a run in which a person is a part
    nrst_stuck = False  # NRST has stayed low for longer than any reset supervisor holds it: see wait_for_nrst()

    def __init__(
        self, clock, wire, lines, rails, card, store, panel, observer=None, stream=None, helper_id=None, missing=()
    ):
        self.clock = clock
        self.wire = wire
        self.lines = lines
        self.rails = rails
        self.card = card
        self.store = store
        self.panel = panel
        self.observer = observer or Observer()
        self.stream = stream
        self.helper_id = helper_id
        self.missing = missing

    def sees_nrst(self):
        """Whether NRST's level and its edges are the unit's, and not only what we made of the line."""
        return "nrst" not in self.missing and "nrst_level" not in self.missing


def wait_for_nrst(ports):
    """How many ms NRST stays low, with nothing of ours on it; 2 s at most, and then ports.nrst_stuck is set.

    A supervisor keeps it low for 140 to 560 ms after power has come and after each pull, a large capacitor for 50 ms.
    What has stayed low for 2 s is not waited for again, until power comes anew with the core supplied.
    """
    clock, lines = ports.clock, ports.lines
    start = clock.ms()
    while not lines.nrst_level():
        if ports.nrst_stuck or clock.since_ms(start) >= _NRST_RISE_MS:
            ports.nrst_stuck = True
            break
        clock.sleep_ms(_NRST_LOOK_MS)
    else:
        ports.nrst_stuck = False
    return clock.since_ms(start)


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
            message = "the " + self._what + " took more than " + str(self._limit_ms) + " ms"
            raise self._error("timeout", message, self._address)

    def pause(self, ms):
        """check(), then sleep."""
        self.check()
        self._clock.sleep_ms(ms)
