"""SWD as a probe's firmware makes it: transfers with their acknowledge, bit by bit, on a twin's pins. IHI 0031 B4."""

from __future__ import annotations

from typing import Protocol

OK, WAIT, FAULT, NO_ACK, PARITY = 1, 2, 4, 7, 8
RDBUFF_READ = 0xE
_READ = 2
_LONG = 4
_ONES = (1 << 56) - 1


class Pins(Protocol):
    """The chip's, or what a wiring fault makes of them."""

    frequency_hz: int

    def clock_out(self, value: int, count: int) -> None: ...

    def clock_in(self, count: int) -> int: ...


class SwdLine:
    """`request` is APnDP, RnW, A2, A3 from bit 0 on, as in CMSIS-DAP's DAP_Transfer."""

    def __init__(self, pins: Pins) -> None:
        self.pins = pins
        self.is_on = False
        self.idle_cycles = 0
        self.retries = 100

    def sequence(self, value: int, count: int) -> None:
        while count > 0:
            piece = min(count, 24)
            self.pins.clock_out(value & (1 << piece) - 1, piece)
            value >>= piece
            count -= piece

    def line_reset(self) -> None:
        self.sequence(_ONES, 56)
        self.sequence(0, 8)

    def jtag_to_swd(self) -> None:
        self.sequence(_ONES, 56)
        self.sequence(0xE79E, 16)
        self.line_reset()

    def transfer(self, request: int, value: int = 0) -> tuple[int, int]:
        """(acknowledge, data read); WAIT only after all retries."""
        ack, data = self._once(request, value)
        for _ in range(self.retries):
            if ack != WAIT:
                break
            ack, data = self._once(request, value)
        return ack, data

    def read_words(self, request: int, count: int) -> tuple[int, bytes]:
        """`count` posted reads of an access port's register: (acknowledge, the words before it went wrong)."""
        words = bytearray()
        ack, _ = self.transfer(request)
        read_run = getattr(self.pins, "read_run", None)
        while ack == OK and len(words) < 4 * count:
            left = count - len(words) // 4
            if read_run is not None and left > _LONG and not self.idle_cycles:
                run = read_run(_request(request), left - 1)
                if run:
                    words += run
                    continue
            ack, word = self.transfer(request if left > 1 else RDBUFF_READ)
            if ack == OK:
                words += word.to_bytes(4, "little")
        return ack, bytes(words)

    def _once(self, request: int, value: int) -> tuple[int, int]:
        if not self.is_on:
            return NO_ACK, 0
        # In whole fields, as the pins like them best.
        self.pins.clock_out(_request(request), 8)
        if request & _READ:
            ack = self.pins.clock_in(4) >> 1
            if ack == OK:
                bits = self.pins.clock_in(34)
                self._idle()
                data = bits & 0xFFFFFFFF
                return (OK if not (data.bit_count() ^ bits >> 32) & 1 else PARITY), data
            self.pins.clock_in(1)
        else:
            ack = self.pins.clock_in(5) >> 1 & 7
            if ack == OK:
                self.pins.clock_out(value | (value.bit_count() & 1) << 32, 33)
                self._idle()
                return OK, 0
        if ack not in (WAIT, FAULT):
            self.pins.clock_in(33)  # the chip may be in its data phase
            ack = NO_ACK
        return ack, 0

    def _idle(self) -> None:
        if self.idle_cycles:
            self.pins.clock_out(0, self.idle_cycles)


def _request(fields: int) -> int:
    fields &= 0xF
    return 0x81 | fields << 1 | (fields.bit_count() & 1) << 5
