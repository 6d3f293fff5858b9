"""Serial ports in both directions, timers and their interrupts, as the core's program sees them."""

from __future__ import annotations

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip import rcc_registers as rcc
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.peripherals import timer, usart

USART3 = 0x40004800
USART3_LINE = 39
TIM3 = 0x40000400
TIM3_LINE = 29
TIM5 = 0x40000C00
FLASH = 0x08000000
DTCM = 0x20000000
RECEIVING = usart.UE | usart.RE
BYTE_MS = 10
"""At 1000 baud."""


def halted_chip(**config: object) -> ChipBench:
    bench = ChipBench(ChipConfig(**config))  # type: ignore[arg-type]
    bench.power()
    bench.halt()
    bench.poke(rcc.BASE + rcc.APB1LENR, 1 << 18 | 1 << 3 | 1 << 1)
    bench.poke(USART3 + usart.BRR, 64_000)
    return bench


def pending(bench: ChipBench, line: int) -> bool:
    return bool(bench.peek(r.NVIC_ISPR + line // 32 * 4) >> line % 32 & 1)


# --- receiving --------------------------------------------------------------------------------------------------------


def test_typed_bytes_arrive_one_frame_after_the_other() -> None:
    bench = halted_chip()
    bench.poke(USART3 + usart.CR1, RECEIVING)
    bench.chip.send_to_uart("USART3", b"ok")
    bench.run_ms(BYTE_MS - 1)
    assert not bench.peek(USART3 + usart.ISR) & usart.RXNE
    bench.run_ms(2)
    assert bench.peek(USART3 + usart.ISR) & usart.RXNE
    assert bench.peek(USART3 + usart.RDR) == ord("o")
    assert not bench.peek(USART3 + usart.ISR) & usart.RXNE
    bench.run_ms(BYTE_MS)
    assert bench.peek(USART3 + usart.RDR) == ord("k")


def test_a_byte_that_nobody_fetched_is_an_overrun_and_the_first_one_stays() -> None:
    bench = halted_chip()
    bench.poke(USART3 + usart.CR1, RECEIVING)
    bench.chip.send_to_uart("USART3", b"ab")
    bench.run_ms(3 * BYTE_MS)
    assert bench.peek(USART3 + usart.ISR) & usart.ORE
    assert bench.peek(USART3 + usart.RDR) == ord("a")
    bench.poke(USART3 + usart.ICR, usart.ORE)
    assert not bench.peek(USART3 + usart.ISR) & (usart.ORE | usart.RXNE)


def test_the_fifo_holds_sixteen_bytes() -> None:
    bench = halted_chip()
    bench.poke(USART3 + usart.CR1, RECEIVING | usart.FIFOEN)
    bench.chip.send_to_uart("USART3", bytes(range(17)))
    bench.run_ms(16 * BYTE_MS + 1)
    assert bench.peek(USART3 + usart.ISR) & (usart.RXFF | usart.ORE) == usart.RXFF
    bench.run_ms(BYTE_MS)
    assert bench.peek(USART3 + usart.ISR) & usart.ORE
    assert [bench.peek(USART3 + usart.RDR) for _ in range(16)] == list(range(16))


def test_silence_after_a_byte_is_an_idle_line() -> None:
    bench = halted_chip()
    bench.poke(USART3 + usart.CR1, RECEIVING)
    bench.chip.send_to_uart("USART3", b"a")
    bench.run_ms(BYTE_MS + 1)
    assert not bench.peek(USART3 + usart.ISR) & usart.IDLE
    bench.run_ms(BYTE_MS)
    assert bench.peek(USART3 + usart.ISR) & usart.IDLE
    bench.poke(USART3 + usart.ICR, usart.IDLE)
    assert not bench.peek(USART3 + usart.ISR) & usart.IDLE


def test_a_port_that_is_off_hears_nothing() -> None:
    bench = halted_chip()
    bench.chip.send_to_uart("USART3", b"a")
    bench.poke(USART3 + usart.CR1, RECEIVING)
    bench.run_ms(3 * BYTE_MS)
    assert not bench.peek(USART3 + usart.ISR) & usart.RXNE


@pytest.mark.parametrize("name", ["USART1", "UART4", "LPUART1", "UART9"])
def test_every_port_speaks_at_its_own_kernel_clock(name: str) -> None:
    bench = halted_chip(part="H7A3")
    sent: list[tuple[str, bytes]] = []
    bench.chip.on_uart = lambda port, data: sent.append((port, data))
    places = {"USART1": (0xF0, 4), "UART4": (0xE8, 19), "LPUART1": (0xF4, 3), "UART9": (0xF0, 6)}
    bases = {"USART1": 0x40011000, "UART4": 0x40004C00, "LPUART1": 0x58000C00, "UART9": 0x40011800}
    register, bit = places[name]
    bench.poke(rcc.BASE + register, 1 << bit)
    base = bases[name]
    # CSI, 4 MHz, for all of them: another source than the bus clock.
    bench.poke(rcc.BASE + rcc.D2CCIP2R, 4 << 3 | 4)
    bench.poke(rcc.BASE + rcc.D3CCIPR, 4)
    bench.poke(base + usart.BRR, 4000 * 256 if name == "LPUART1" else 4000)
    bench.poke(base + usart.CR1, usart.UE | usart.TE)
    bench.poke(base + usart.TDR, ord("x"))
    assert sent == [(name, b"x")]
    bench.run_ms(BYTE_MS - 1)
    assert not bench.peek(base + usart.ISR) & usart.TC
    bench.run_ms(2)
    assert bench.peek(base + usart.ISR) & usart.TC


# --- interrupts -------------------------------------------------------------------------------------------------------


def test_a_received_byte_interrupts_and_does_so_again_until_it_is_fetched() -> None:
    bench = halted_chip()
    bench.poke(USART3 + usart.CR1, RECEIVING | usart.RXNE)
    bench.chip.send_to_uart("USART3", b"a")
    assert not pending(bench, USART3_LINE)
    bench.run_ms(BYTE_MS + 1)
    assert pending(bench, USART3_LINE)
    bench.poke(r.NVIC_ICPR + 4, 1 << USART3_LINE - 32)
    assert pending(bench, USART3_LINE), "its input is high"
    bench.peek(USART3 + usart.RDR)
    assert pending(bench, USART3_LINE), "it stays pending until it is taken or cleared"
    bench.poke(r.NVIC_ICPR + 4, 1 << USART3_LINE - 32)
    assert not pending(bench, USART3_LINE)


def test_a_handler_that_leaves_its_cause_is_entered_again() -> None:
    """The handler counts in r4 and stops the timer's interrupt at the third time."""
    handler = (0x3401, 0x2C03, 0xD300, 0x6085, 0x4770)  # adds r4, #1; cmp r4, #3; blo 1f; str r5, [r0, #8]; 1: bx lr
    bench = running_program(handler)
    bench.poke(TIM3 + 0x0C, timer.UIF)
    bench.run_ms(1)
    assert bench.chip.core.read_register(4) >= 3


def running_program(handler: tuple[int, ...]) -> ChipBench:
    """`b .` in flash, TIM3's handler at FLASH + 0x400, its update flag set and its interrupt enabled in the NVIC."""
    bench = halted_chip()
    vectors = [DTCM + 0x1000, FLASH + 0x301] + [0] * 14 + [0] * TIM3_LINE + [FLASH + 0x401]
    image = b"".join(word.to_bytes(4, "little") for word in vectors).ljust(0x300, b"\0") + b"\xfe\xe7"
    code = b"".join(halfword.to_bytes(2, "little") for halfword in handler)
    bench.chip.flash.load(FLASH, image.ljust(0x400, b"\xff") + code)
    bench.chip.set_nrst(True)
    bench.run_ms(1)
    bench.chip.set_nrst(False)
    bench.run_ms(1)
    bench.poke(rcc.BASE + rcc.APB1LENR, 1 << 1)
    bench.poke(r.NVIC_ISER, 1 << TIM3_LINE)
    bench.poke(TIM3 + 0x14, 1)
    bench.chip.core.write_register(4, 0)
    return bench


def test_an_interrupt_that_an_instruction_causes_comes_before_its_next_access() -> None:
    """str r1, [r0]; ldr r2, [r0]; b . with the transmitter's interrupt in r1; its handler: str r3, [r0]; bx lr."""
    code = b"".join(halfword.to_bytes(2, "little") for halfword in (0x6001, 0x6802, 0xE7FE, 0xE7FE, 0x6003, 0x4770))
    words = [DTCM + 0x1000, FLASH + 0x407] + [0] * 14 + [0] * USART3_LINE + [FLASH + 0x409]
    image = b"".join(word.to_bytes(4, "little") for word in words).ljust(0x400, b"\0") + code
    bench = ChipBench(image=image)
    bench.power()
    bench.halt()
    bench.poke(rcc.BASE + rcc.APB1LENR, 1 << 18)
    bench.poke(r.NVIC_ISER + 4, 1 << USART3_LINE - 32)
    on = usart.UE | usart.TE
    for number, value in {0: USART3 + usart.CR1, 1: on | usart.TXE, 2: 0, 3: on, 15: FLASH + 0x400}.items():
        bench.chip.core.write_register(number, value)
    bench.resume()
    bench.run_ms(1)
    assert bench.chip.core.pc == FLASH + 0x404
    assert bench.chip.core.read_register(2) == on


# --- timers -----------------------------------------------------------------------------------------------------------


def test_the_window_watchdog_bites_at_the_clock_that_it_has_now() -> None:
    bench = halted_chip()
    bench.poke(rcc.BASE + rcc.RSR, rcc.RMVF)
    bench.poke(rcc.BASE + rcc.GCR, rcc.WW1RSC)
    bench.poke(rcc.BASE + rcc.APB3ENR, 1 << 6)
    # 63 steps of 4096 cycles and a prescaler of 128: half a second at 64 MHz, four at 8 MHz.
    bench.poke(0x50003004, 7 << 11 | 0x7F)
    bench.poke(0x50003000, 0xFF)
    bench.poke(rcc.BASE + rcc.CR, bench.peek(rcc.BASE + rcc.CR) | 3 << rcc.HSIDIV_SHIFT)
    bench.run_ms(4000)
    assert not bench.peek(rcc.BASE + rcc.RSR)
    bench.run_ms(400)
    assert bench.peek(rcc.BASE + rcc.RSR) & 1 << 28


def start_timer(bench: ChipBench, base: int, *, period: int, enable: int = 0, control: int = timer.CEN) -> None:
    """Counts milliseconds from 0; flags clear."""
    bench.poke(base + 0x28, 63_999)
    bench.poke(base + 0x2C, period - 1)
    bench.poke(base + 0x14, 1)
    bench.poke(base + 0x10, 0)
    bench.poke(base + 0x0C, enable)
    bench.poke(base + 0x00, control)


def test_a_timer_sets_its_update_flag_once_a_period_and_interrupts() -> None:
    bench = halted_chip()
    start_timer(bench, TIM3, period=10, enable=timer.UIF)
    bench.run_ms(9)
    assert not pending(bench, TIM3_LINE)
    bench.run_ms(2)
    assert pending(bench, TIM3_LINE)
    assert bench.peek(TIM3 + 0x24) == 1
    bench.poke(TIM3 + 0x10, 0)
    bench.poke(r.NVIC_ICPR, 1 << TIM3_LINE)
    assert not pending(bench, TIM3_LINE)
    bench.run_ms(10)
    assert pending(bench, TIM3_LINE)


def test_a_compare_value_sets_its_flag_when_the_counter_reaches_it() -> None:
    bench = halted_chip()
    bench.poke(TIM5 + 0x38, 30)
    start_timer(bench, TIM5, period=1 << 32, enable=1 << 2)
    bench.run_ms(29)
    assert not bench.peek(TIM5 + 0x10) & 1 << 2
    bench.run_ms(2)
    assert bench.peek(TIM5 + 0x10) & 0x1F == 1 << 2
    assert pending(bench, 50)


def test_a_counter_of_sixteen_bits_wraps_and_one_of_32_does_not() -> None:
    bench = halted_chip()
    for base in (TIM3, TIM5):
        bench.poke(base + 0x14, 1)
        bench.poke(base + 0x24, 0xFFFF)
        bench.poke(base + 0x28, 63_999)
        bench.poke(base + 0x00, timer.CEN)
    bench.run_ms(1)
    assert bench.peek(TIM3 + 0x24) < 0x10000 <= bench.peek(TIM5 + 0x24)


def test_in_one_pulse_mode_a_timer_stops_at_its_end() -> None:
    bench = halted_chip()
    start_timer(bench, TIM3, period=5, control=timer.CEN | timer.OPM)
    bench.run_ms(20)
    assert bench.peek(TIM3 + 0x10) & timer.UIF
    assert not bench.peek(TIM3) & timer.CEN
    assert bench.peek(TIM3 + 0x24) == 0


def test_another_clock_moves_an_interrupt_that_is_waited_for() -> None:
    bench = halted_chip()
    start_timer(bench, TIM3, period=100, enable=timer.UIF)
    bench.run_ms(50)
    # HSI divided by 8: the other half of the period takes eight times as long.
    bench.poke(rcc.BASE + rcc.CR, bench.peek(rcc.BASE + rcc.CR) | 3 << rcc.HSIDIV_SHIFT)
    bench.run_ms(395)
    assert not pending(bench, TIM3_LINE)
    bench.run_ms(10)
    assert pending(bench, TIM3_LINE)
    # And back: sooner than it looked.
    bench.poke(TIM3 + 0x10, 0)
    bench.poke(r.NVIC_ICPR, 1 << TIM3_LINE)
    bench.poke(rcc.BASE + rcc.CR, bench.peek(rcc.BASE + rcc.CR) & ~(3 << rcc.HSIDIV_SHIFT))
    bench.run_ms(101)
    assert pending(bench, TIM3_LINE)


def test_waiting_for_a_timer_flag_costs_a_handful_of_reads() -> None:
    """1: ldr r1, [r0, #0x10]; lsls r1, r1, #31; bpl 1b; adds r7, #1; b ."""
    bench = halted_chip()
    start_timer(bench, TIM3, period=1000)
    code = b"".join(halfword.to_bytes(2, "little") for halfword in (0x6901, 0x07C9, 0xD5FC, 0x3701, 0xE7FE))
    bench.chip.rams["DTCM"].data[: len(code)] = code
    bench.chip.core.write_register(0, TIM3)
    bench.chip.core.write_register(7, 0)
    bench.chip.core.write_register(15, DTCM)
    bench.chip.core.write_register(16, 1 << 24)
    before = bench.chip.core.device_reads
    bench.resume()
    bench.chip.clock.advance(990_000_000)
    bench.chip.core.run_to(bench.clock.now_ns)
    assert bench.chip.core.read_register(7) == 0
    bench.chip.clock.advance(20_000_000)
    bench.chip.core.run_to(bench.clock.now_ns)
    assert bench.chip.core.read_register(7) == 1
    assert bench.chip.core.device_reads - before < 10
