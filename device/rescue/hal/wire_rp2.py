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
from rescue.hal.swd import READ_REQUESTS, WRITE_REQUESTS, SwdWire
from rescuelink.errors import WireError

_PIO0 = const(0x50200000)
_SM0_CLKDIV = const(0x50200000 + 0xC8)
_FIFO_WORDS = const(4)
_CYCLES_PER_CLOCK = const(4)
_TURNS = const(400000)  # a word at 100 kHz is 60000 core cycles
_DRIVE = const(1)
_READ = const(0x04)  # RnW in a request byte
_WAIT = const(2)
_RESEND = const(0x8)
_BAD_PARITY = const(1 << 20)
_RDBUFF = const(0xC)

_REQUEST = const((7 << 1) | (16 << 6) | _DRIVE)  # pio_swd.REQUEST
_DATA_OUT = const(27 << 19)  # pio_swd.DATA_OUT
_DATA_IN = const(10 << 19)  # pio_swd.DATA_IN
_PARITY_IN = const((1 << 1) | (11 << 6))  # two bits: parity and turnaround
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


class PioBits:
    """The `bits` of hal/swd.py. Both pins are high impedance until engage()."""

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
        self.restart(_TURNAROUND, pump.IDLE, 0, 0)
        if pump.take(_PIO0, 31, _TURNS) < 0 or not pump.idle(_PIO0, _TURNS):
            raise WireError("protocol", _STUCK)
        self.cycles += 13 + _IDLE_CLOCKS
        return answer

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


class PioWire(SwdWire):
    """The `Wire` port."""

    def __init__(self, swclk, swdio):
        super().__init__(PioBits(swclk, swdio))
        self._word = memoryview(bytearray(4))
        self._resending = False

    def read_block(self, ap, a32, buf):
        view = memoryview(buf)
        request = READ_REQUESTS[ap << 2 | a32 >> 2]
        count = len(view) >> 2
        if ap and count:
            self._read(request)  # posted: each answer is the value of the read before it
            count -= 1
            self._fill(request, view, count)
            try:
                self._fill(READ_REQUESTS[_RDBUFF >> 2], view[-4:], 1)
            except WireError as error:
                error.done = count
                raise
        else:
            self._fill(request, view, count)

    def write_block(self, ap, a32, buf):
        view = memoryview(buf)
        request = WRITE_REQUESTS[ap << 2 | a32 >> 2]
        count = len(view) >> 2
        if not count:
            return
        through = pump.write_words(_PIO0, _REQUEST | request << 11 | _DATA_OUT, view, count, _TURNS)
        if through == count:
            self._bits.cycles += count * _CLOCKS_PER_WORD + _IDLE_CLOCKS
            return
        try:
            self._words(request, view, through)
        except WireError as error:
            # A FAULT tells of the write before this one, which the DP had taken but the bus refused.
            error.done = max(error.done - (error.kind == "fault"), 0)
            raise

    def _end(self):
        pass  # the pump has sent the idle clocks: before Python is here SWCLK would have stopped

    # The plain case in few steps: the interpreter is what takes the time.

    def _fill(self, request, view, count):
        """`count` words to the beginning of `view`."""
        if not count:
            return
        through = pump.read_words(_PIO0, _REQUEST | request << 11 | _DATA_IN, _PARITY_IN, view, count, _TURNS)
        if through == count:
            self._bits.cycles += count * _CLOCKS_PER_WORD + _IDLE_CLOCKS
        else:
            self._words(request, view[: count << 2], through)

    def _read(self, request):
        self._fill(request, self._word, 1)
        return int.from_bytes(self._word, "little")

    def _write(self, request, value):
        word = self._word
        pack_into("<I", word, 0, value)
        through = pump.write_words(_PIO0, _REQUEST | request << 11 | _DATA_OUT, word, 1, _TURNS)
        if through == 1:
            self._bits.cycles += _CLOCKS_PER_WORD + _IDLE_CLOCKS
        else:
            self._words(request, word, through)

    def _words(self, request, view, through=None):
        """One transfer for each word of `view`, to it or from it. `through`: what the pump made of it already."""
        bits = self._bits
        count = len(view) >> 2
        done = waits = 0
        while done < count:
            if through is not None:
                pass
            elif request & _READ:
                command = _REQUEST | request << 11 | _DATA_IN
                through = pump.read_words(_PIO0, command, _PARITY_IN, view[done << 2 :], count - done, _TURNS)
            else:
                command = _REQUEST | request << 11 | _DATA_OUT
                through = pump.write_words(_PIO0, command, view[done << 2 :], count - done, _TURNS)
            if through < 0:
                raise WireError("protocol", _STUCK)
            damaged = through & _BAD_PARITY
            through &= ~_BAD_PARITY
            bits.cycles += through * _CLOCKS_PER_WORD
            if damaged or done + through == count:
                bits.cycles += _IDLE_CLOCKS
            if through:
                waits = 0
            done += through
            if damaged:
                bits.cycles += _CLOCKS_PER_WORD
                self._ask_again(request, memoryview(view)[done << 2 :][:4], done)
                done += 1
            elif done < count:
                answer = bits.answer()
                if answer != _WAIT or waits == self.wait_limit:
                    raise self._refused_at(answer, done)
                waits += 1
                self.waits += 1
            through = None

    def _ask_again(self, request, word, done):
        """Once, for a word that came damaged: RESEND for AP data, the same read for a DP register."""
        if self._resending:
            raise WireError("parity", "the chip's answer was damaged twice", done=done)
        self.resends += 1
        if request & 0x02 or request == READ_REQUESTS[_RDBUFF >> 2]:
            request = READ_REQUESTS[_RESEND >> 2]
        self._resending = True
        try:
            self._words(request, word)
        except WireError as error:
            error.done = done
            raise
        finally:
            self._resending = False

    def _refused_at(self, answer, done):
        error = self._refused(answer)
        error.done = done
        return error
