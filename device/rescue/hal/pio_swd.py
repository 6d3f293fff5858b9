# SWD on a PIO state machine of an RP2040 or RP2350: one program, 32 instructions, so that it lies at address 0.
# RP2040 data sheet chapter 3. Side-set is SWCLK, low while the machine waits; OUT, SET and IN are SWDIO. Four machine
# cycles make one SWCLK. The chip takes SWDIO at the rising edge and changes its own output after it; SWDIO changes here
# at the falling edge and is sampled in the last cycle before the rising one.
#
# The machine takes commands from its FIFO:
#   bits 0       1 drives SWDIO, 0 lets go of it
#   bits 1..5    the number of bits less one (request: 7)
#   bits 6..10   where to go: BITS_OUT, BITS_IN or REQUEST
#   bits 11..18  REQUEST: the request byte,
#   bits 19..23  and where to go once the chip has answered OK: DATA_OUT or DATA_IN
# BITS_OUT and DATA_OUT take two words more: the bits, and the one bit after them (the parity), which BIT_OUT takes by
# itself. BITS_IN and DATA_IN give one word, whose highest bit is the last one. After any other answer than OK the
# machine stays at HALT, before the turnaround's clock, with the answer in the three highest bits of ISR.

from micropython import const
from rp2 import PIO, asm_pio

BITS_OUT = const(4)
BIT_OUT = const(7)
DATA_IN = const(10)
BITS_IN = const(11)
REQUEST = const(16)
DATA_OUT = const(27)
HALT = const(30)
ACK_OK = const(0x20000000)  # what Y must hold


# ruff: noqa: F821 - the names in here are those of the assembler
@asm_pio(
    out_init=PIO.OUT_LOW,
    set_init=PIO.OUT_LOW,
    sideset_init=PIO.OUT_LOW,
    out_shiftdir=PIO.SHIFT_RIGHT,
    in_shiftdir=PIO.SHIFT_RIGHT,
)
def swd():
    label("command")
    pull().side(0)  # 0
    out(pindirs, 1).side(0)
    out(x, 5).side(0)
    out(pc, 5).side(0)

    label("bits_out")
    pull().side(0)  # 4
    label("next_out")
    out(pins, 1).side(0)[1]
    jmp(x_dec, "next_out").side(1)[1]
    pull().side(0)  # 7
    out(pins, 1).side(0)[1]
    jmp("command").side(1)[1]

    label("data_in")
    set(x, 31).side(0)  # 10
    label("bits_in")
    nop().side(0)  # 11
    in_(pins, 1).side(0)
    jmp(x_dec, "bits_in").side(1)[1]
    push().side(0)
    jmp("command").side(0)

    label("request")
    out(pins, 1).side(0)[1]  # 16
    jmp(x_dec, "request").side(1)[1]
    set(pindirs, 0).side(0)[1]  # turnaround
    set(x, 2).side(1)[1]
    label("answer")
    nop().side(0)
    in_(pins, 1).side(0)
    jmp(x_dec, "answer").side(1)[1]
    mov(x, isr).side(0)
    jmp(x_not_y, "halt").side(0)
    mov(isr, null).side(0)
    out(pc, 5).side(0)

    label("data_out")
    set(x, 31).side(1)[1]  # 27: turnaround
    set(pindirs, 1).side(0)
    jmp("bits_out").side(0)
    label("halt")
    jmp("halt").side(0)  # 30
    nop().side(0)  # 31: fills the memory
