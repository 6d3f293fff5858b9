# The Wire of an RP2040 or RP2350: whole transfers on a PIO state machine, blocks pumped by viper. pio_swd.py.
#
# The machine stops by itself at every answer that is not OK. Then Python takes the transfer over, as hal/swd.py has it:
# on WAIT the same word is sent again until it is taken, and the pump goes on with the next one.

from struct import pack_into

import machine
import rp2
from micropython import const

from rescue.hal import pio_pump as pump
from rescue.hal import pio_swd
from rescue.hal.swd_line import READ_REQUESTS, WRITE_REQUESTS, SwdLine
from rescuelink.errors import WireError

_PIO0 = const(0x50200000)
_SM0_CLKDIV = const(0x50200000 + 0xC8)
_FIFO_WORDS = const(4)
_CYCLES_PER_CLOCK = const(4)
_TURNS = const(400000)  # a word at 100 kHz is 60000 core cycles
_DRIVE = const(1)
_WAIT = const(2)

_REQUEST = const((7 << 1) | (16 << 6) | _DRIVE)  # pio_swd.REQUEST
_DATA_OUT = const(27 << 19)  # pio_swd.DATA_OUT
_DATA_IN = const(10 << 19)  # pio_swd.DATA_IN
_TURNAROUND = const(11 << 6)  # pio_swd.BITS_IN, one bit
_CLOCKS_PER_WORD = const(46)
_IDLE_CLOCKS = const(8)  # behind the last of a block, or a single one
# Instructions, with SWCLK low
_PULL = const(0x80A0)
_PULL_IF_THERE = const(0x8080)
_MOV_Y_OSR = const(0xA047)
_JMP_0 = const(0x0000)
_PUSH = const(0x8000)  # never waits
_STUCK = "the helper's PIO stands still"
_TWICE = "the chip's answer was damaged twice"
# Commands at index `ap << 2 | a32 >> 2`
_IN = tuple([_REQUEST | request << 11 | _DATA_IN for request in READ_REQUESTS])
_OUT = tuple([_REQUEST | request << 11 | _DATA_OUT for request in WRITE_REQUESTS])
_RESEND = const(2)
_RDBUFF = const(3)
_TAR = const(5)
_DRW = const(7)


class PioBits:
    """The `bits` of hal/swd_line.py. Both pins are high impedance until engage()."""

    def __init__(self, swclk, swdio):
        self._swclk = swclk
        self._swdio = swdio
        self._machine = None
        self._divider = 256
        self.cycles = 0
        self.release()

    def engage(self):
        if self._machine is None:
            # A pin belongs to the PIO from here on, and only from here on.
            dio = machine.Pin(self._swdio)
            self._machine = rp2.StateMachine(
                0, pio_swd.swd, out_base=dio, set_base=dio, in_base=dio, sideset_base=machine.Pin(self._swclk)
            )
        self.restart()

    def restart(self, *words):
        """From any state to the beginning of a command, with empty FIFOs; `words` are its first ones, at most four."""
        sm = self._machine
        sm.active(0)
        sm.restart()
        for _ in range(_FIFO_WORDS):
            sm.exec(_PULL_IF_THERE)
        while sm.rx_fifo():
            sm.get()
        machine.mem32[_SM0_CLKDIV] = self._divider << 8
        sm.put(pio_swd.ACK_OK)
        sm.exec(_PULL)
        sm.exec(_MOV_Y_OSR)
        sm.exec(_JMP_0)
        for word in words:
            sm.put(word)
        sm.active(1)

    def release(self):
        if self._machine is not None:
            self._machine.active(0)
            self._machine = None
            rp2.PIO(0).remove_program(pio_swd.swd)
        for number in (self._swdio, self._swclk):
            machine.Pin(number, machine.Pin.IN)

    def pulled(self, up):
        from rescue.hal.swd_pins import pulled_levels

        return pulled_levels(machine.Pin(self._swdio), machine.Pin(self._swclk), up)

    def set_frequency(self, hz):
        # 16.8 bits; rounded up, so that the clock is never faster than asked for.
        core_hz = machine.freq()
        self._divider = min(max(-(-core_hz * 256 // (_CYCLES_PER_CLOCK * hz)), 256), 0xFFFFFF)
        if self._machine is not None:
            machine.mem32[_SM0_CLKDIV] = self._divider << 8
        return core_hz * 256 // (_CYCLES_PER_CLOCK * self._divider)

    def clock_out(self, value, count):
        self.cycles += count
        while count > 28:
            self._out(value & 0xFFFFFF, 24)
            value >>= 24
            count -= 24
        self._out(value, count)

    def clock_in(self, count):
        self.cycles += count
        if count <= 28:
            return self._in(count)
        return self._in(24) | self._in(count - 24) << 24

    def answer(self):
        """The three bits at which the machine halted. The turnaround is clocked, and idle clocks behind it: SWCLK stops
        before Python goes on."""
        sm = self._machine
        sm.exec(_PUSH)
        answer = pump.take(_PIO0, 29, _TURNS)
        self._idle(13, _TURNAROUND)
        return answer

    def let_end(self):
        """A read that is under way, whose answer nobody wants any more."""
        for _ in range(2):
            if pump.take(_PIO0, 31, self._divider) < 0:  # ten times as many turns as a transfer takes
                self.answer()
                return
        self._idle(_CLOCKS_PER_WORD)

    def _idle(self, clocks, *words):
        # Behind the commands `words`, and `clocks` that have been counted by nobody.
        self.restart(*words, pump.IDLE, 0, 0)
        if (words and pump.take(_PIO0, 31, _TURNS) < 0) or not pump.idle(_PIO0, _TURNS):
            raise WireError("protocol", _STUCK)
        self.cycles += clocks + _IDLE_CLOCKS

    def _out(self, value, count):
        if count > 1:
            pump.put(_PIO0, _DRIVE | count - 2 << 1 | pio_swd.BITS_OUT << 6, _TURNS)
            pump.put(_PIO0, value & ((1 << count - 1) - 1), _TURNS)
        elif count:
            pump.put(_PIO0, _DRIVE | pio_swd.BIT_OUT << 6, _TURNS)
        else:
            return
        if not pump.put(_PIO0, value >> count - 1 & 1, _TURNS) or not pump.idle(_PIO0, _TURNS):
            raise WireError("protocol", _STUCK)

    def _in(self, count):
        pump.put(_PIO0, count - 1 << 1 | pio_swd.BITS_IN << 6, _TURNS)
        value = pump.take(_PIO0, 32 - count, _TURNS)
        if value < 0:
            raise WireError("protocol", _STUCK)
        return value


class PioWire(SwdLine):
    """The `Wire` port."""

    def __init__(self, swclk, swdio):
        super().__init__(PioBits(swclk, swdio))
        self._word = memoryview(bytearray(4))
        self._resending = False

    def read(self, ap, a32):
        word = self._word
        self._ask(word, ap, _IN[ap << 2 | a32 >> 2])
        return int.from_bytes(word, "little")

    def write(self, ap, a32, value):
        word = self._word
        pack_into("<I", word, 0, value)
        self._tell(word, _OUT[ap << 2 | a32 >> 2])

    def read_block(self, ap, a32, buf):
        if len(buf):
            self._ask(memoryview(buf), ap, _IN[ap << 2 | a32 >> 2])

    def write_block(self, ap, a32, buf):
        if len(buf):
            self._tell(memoryview(buf), _OUT[ap << 2 | a32 >> 2])

    def read_page(self, address, buf):
        self._ask(buf, 1, _IN[_DRW], address)

    def write_page(self, address, buf):
        self._tell(buf, _OUT[_DRW], address)

    # The plain case in few steps: the interpreter is what takes the time. The pump has sent the idle clocks as well:
    # before Python is here SWCLK would have stopped.

    def _ask(self, view, posted, command, address=None):
        """Fills `view`. posted: 1 for an AP, whose answers are those of the read before; the last comes from RDBUFF."""
        total = (len(view) >> 2) + posted
        last = _IN[_RDBUFF] if posted else command
        if address is None:
            got = pump.read_words(_PIO0, view, 0, total, posted, command, last, 0, 1, _TURNS)
            clocks = _IDLE_CLOCKS
        else:
            got = pump.read_words(_PIO0, view, address, total, posted, command, last, _OUT[_TAR], 2, _TURNS)
            clocks = _CLOCKS_PER_WORD + _IDLE_CLOCKS
        if got == total:
            self._bits.cycles += total * _CLOCKS_PER_WORD + clocks
        else:
            self._ask_on(view, posted, command, last, address, got)

    def _tell(self, view, command, address=None):
        total = len(view) >> 2
        if address is None:
            got = pump.write_words(_PIO0, view, 0, total, command, 0, _TURNS)
        else:
            got = pump.write_words(_PIO0, view, address, total, command, _OUT[_TAR], _TURNS)
            total += 1
        if got == total:
            self._bits.cycles += total * _CLOCKS_PER_WORD + _IDLE_CLOCKS
        else:
            self._tell_on(view, command, address, got)

    # What the pump could not do: `got` is what it came back with.

    def _ask_on(self, view, skip, command, last, address, got):
        view = memoryview(view)
        words = len(view) >> 2
        done = waits = 0  # words of `view` that are good; how often the transfer under way was refused
        aim = 0 if address is None else _OUT[_TAR]
        at = address
        begun_at = -1  # the word from which it was begun anew
        while True:
            count = self._counted(got, pump.DAMAGED - 1)
            if aim and not got & pump.NOT_AIMED:
                self._bits.cycles += _CLOCKS_PER_WORD
                aim = 0
            if count:
                waits = 0
                done += count - skip
                skip = 0
            if not got & pump.DAMAGED:
                if done == words:
                    self._bits.cycles += _IDLE_CLOCKS
                    return
                waits = self._refused_again(waits, done)
            elif got & pump.FOLLOWED:
                # The chip has gone on: once more from this word's address.
                self._bits.let_end()
                if begun_at == done:
                    raise WireError("parity", _TWICE, done=done)
                self.resends += 1
                begun_at = done
                aim, at, skip = _OUT[_TAR], address + (done << 2), 1
            else:
                self._resend(view[done << 2 :][:4], last if done + 1 == words else command, done)
                done += 1
                if done == words:
                    return
            got = pump.read_words(
                _PIO0,
                view[done << 2 :],
                at or 0,
                words - done + skip,
                skip,
                command,
                last,
                aim,
                1 if address is None else 2,
                _TURNS,
            )

    def _resend(self, word, command, done):
        """Once, for a word that came damaged: RESEND for AP data, the same read for a DP register."""
        if self._resending:
            raise WireError("parity", _TWICE, done=done)
        self.resends += 1
        if command in _IN[4:] or command == _IN[_RDBUFF]:
            command = _IN[_RESEND]
        self._resending = True
        try:
            self._ask(word, 0, command)
        except WireError as error:
            error.done = done
            raise
        finally:
            self._resending = False

    def _tell_on(self, view, command, address, got):
        view = memoryview(view)
        words = len(view) >> 2
        done = waits = 0
        if address is not None:
            done = -1  # TAR comes first
        while True:
            if got:
                waits = 0
            done += self._counted(got, pump.DAMAGED - 1)
            if done == words:
                self._bits.cycles += _IDLE_CLOCKS
                return
            try:
                waits = self._refused_again(waits, done)
            except WireError as error:
                # A FAULT tells of the write before this one, which the DP had taken but the bus refused.
                if error.kind == "fault" and done > 0:
                    error.done -= 1
                raise
            if done < 0:
                got = pump.write_words(_PIO0, view, address, words, command, _OUT[_TAR], _TURNS)
            else:
                got = pump.write_words(_PIO0, view[done << 2 :], 0, words - done, command, 0, _TURNS)

    def _counted(self, got, mask):
        # Transfers that got OK, and their clocks.
        if got < 0:
            raise WireError("protocol", _STUCK)
        bits = self._bits
        count = got & mask
        bits.cycles += count * _CLOCKS_PER_WORD
        if got & pump.DAMAGED:
            bits.cycles += _CLOCKS_PER_WORD
            if not got & pump.FOLLOWED:
                bits.cycles += _IDLE_CLOCKS
        return count

    def _refused_again(self, waits, done):
        # At HALT. Returns how often this transfer has been answered WAIT; raises for any other answer.
        answer = self._bits.answer()
        if answer != _WAIT or waits == self.wait_limit:
            raise self._refused_at(answer, done)
        self.waits += 1
        return waits + 1

    def _refused_at(self, answer, done):
        error = self._refused(answer)
        error.done = done
        return error
