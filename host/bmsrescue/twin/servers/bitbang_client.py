"""The helper's SWD pins on a chip behind a ``remote_bitbang`` server, twin or foreign.

What needs no answer is collected and sent with the next question. SWDIO changes while SWCLK is low, is sampled before
the rising edge, and SWCLK rests low. What each character means stands in `bitbang`.
"""

from __future__ import annotations

from time import monotonic, sleep

from bmsrescue.twin.servers.client_socket import ClientSocket, ServerLinkError

_LOW = (b"d", b"e")  # SWCLK low, by SWDIO
_HIGH = (b"f", b"g")
_FLUSH_CHARS = 1 << 15
_WAIT_CYCLES = 1 << 10


def out_chars(value: int, count: int) -> bytes:
    """The characters that clock out `count` bits of `value`, LSB first, to a driven SWDIO."""
    return b"".join(_LOW[value >> n & 1] + _HIGH[value >> n & 1] for n in range(count))


OUT_BYTE = tuple(out_chars(byte, 8) for byte in range(256))
"""`out_chars(byte, 8)` for every byte."""
DRIVE = b"O"
LET_GO = b"o"
SKIP = b"df"
"""One cycle that nobody looks at."""
SAMPLE = b"dcf"
"""One cycle, sampled before its rising edge."""


class BitbangPins:
    """The `bits` of `rescue.hal.swd.SwdWire`, and NRST.

    Raises:
        ServerLinkError: from the constructor and from everything that waits for an answer.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float = 30.0) -> None:
        self._socket = ClientSocket(host, port, timeout_s=timeout_s, purpose="bitbang port")
        self._pending = bytearray()
        self._driving = False
        self._engaged = False
        self.cycles = 0
        """SWCLK cycles so far."""
        self.frequency_hz = 0

    # --- what SwdWire needs -------------------------------------------------------------------------------------------

    def clock_out(self, value: int, count: int) -> None:
        if not self._driving:
            self._pending += DRIVE
            self._driving = True
        self.cycles += count
        while count >= 8:
            self._pending += OUT_BYTE[value & 0xFF]
            value >>= 8
            count -= 8
        self._pending += OUT_BYTE[value & 0xFF][: 2 * count]
        if len(self._pending) > _FLUSH_CHARS:
            self.flush()

    def clock_in(self, count: int) -> int:
        chars = SAMPLE * count
        if self._driving:
            chars = LET_GO + chars
            self._driving = False
        self.cycles += count
        return samples_value(self.ask(chars, count))

    def engage(self) -> None:
        """Pins are driven from the next `clock_out` on."""
        self._engaged = True

    def release(self) -> None:
        """Let go of SWDIO; remote_bitbang cannot let go of SWCLK."""
        self._pending += b"d" + LET_GO
        self._driving = False
        self._engaged = False
        self.flush()

    def set_frequency(self, hz: int) -> int:
        """The protocol has no frequency: whatever is asked for is what is noted."""
        self.frequency_hz = hz
        return hz

    # --- whole transfers, for the wire --------------------------------------------------------------------------------

    def ask(self, chars: bytes, samples: int) -> bytes:
        """Send what is pending, then `chars`, and return the `samples` answers ("0" or "1") they ask for.

        Whoever sends characters that drive or clock also keeps `cycles`, and leaves SWDIO driven as it was.
        """
        sent = bytes(self._pending) + chars + b"d"
        self._pending.clear()
        return self._socket.exchange(sent, samples)

    def drive(self) -> None:
        """Take SWDIO before a batch of whole transfers."""
        if not self._driving:
            self._pending += DRIVE
            self._driving = True

    # --- beside SWD ---------------------------------------------------------------------------------------------------

    def nrst(self, low: bool) -> None:
        """Pull NRST low, or let go of it."""
        self._pending += b"s" if low else b"r"
        self.flush()

    def sleep_us(self, duration_us: int) -> None:
        """Let the unit's time pass, on a server that knows ``Z`` and ``z``."""
        self._pending += b"Z" * (duration_us // 1000) + b"z" * (duration_us % 1000)
        self.flush()

    def wait(self, duration_s: float) -> None:
        """Let so much wall time pass, with idle clocks meanwhile if the pins are engaged, at `frequency_hz` at most.

        Some simulated chips count their time in SWCLK cycles: for them a wait without clocks is none. The clocks are
        the wait's own and are not in `cycles`.
        """
        self.flush()
        until = monotonic() + duration_s
        cycles = int(duration_s * self.frequency_hz) if self._engaged else 0
        if cycles:
            self.drive()
        while cycles > 0 and monotonic() < until:
            self.ask(SKIP * min(cycles, _WAIT_CYCLES) + SAMPLE[:2], 1)  # the answer tells that the chip has got so far
            cycles -= _WAIT_CYCLES
        sleep(max(0.0, until - monotonic()))

    def flush(self) -> None:
        """Send what is pending."""
        if self._pending:
            self.ask(b"", 0)

    def close(self) -> None:
        """Say goodbye and hang up."""
        try:
            self._socket.exchange(bytes(self._pending) + b"Q", 0)
        except ServerLinkError:
            return  # it is gone already, which is all that was wanted
        finally:
            self._socket.close()


def samples_value(samples: bytes) -> int:
    """Answers, first sample first, as a number whose bit 0 is the first sample."""
    try:
        return int(samples[::-1], 2)
    except ValueError as error:
        raise ServerLinkError(
            "protocol",
            "the bitbang port answers a sample with neither 0 nor 1",
            next_step="check that it is a bitbang port",
        ) from error
