"""Reset causes, write-once supply, pins, watchdog, time base and serial line of the twin's chip."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip import rcc_registers as rcc
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.peripherals import gpio, iwdg, pwr, tim2, usart

RSR = rcc.BASE + rcc.RSR
CR3 = pwr.BASE + pwr.CR3
AHB4ENR = rcc.BASE + rcc.AHB4ENR
APB1LENR = rcc.BASE + rcc.APB1LENR
APB4ENR = rcc.BASE + rcc.APB4ENR
PKGR = 0x58000524
APB4FZ1 = 0x5C001054
PORT_A = gpio.BASE
USART3 = 0x40004800


@pytest.fixture
def bench() -> ChipBench:
    """Powered, halted at the reset vector of a blank flash, so that nothing but the test touches a register."""
    bench = ChipBench()
    bench.power()
    bench.halt()
    return bench


def restart(bench: ChipBench) -> None:
    """NRST low and high again."""
    bench.chip.set_nrst(True)
    bench.run_ms(1)
    bench.chip.set_nrst(False)
    bench.run_ms(1)


def test_reset_causes_add_up_until_they_are_cleared(bench: ChipBench) -> None:
    assert bench.peek(RSR) == 0x00FA0000
    bench.poke(RSR, rcc.RMVF)
    assert bench.peek(RSR) == 0
    restart(bench)
    assert bench.peek(RSR) == 0x00420000
    bench.chip.system.request_reset("software")
    bench.run_ms(1)
    assert bench.peek(RSR) == 0x01420000


def test_the_core_supply_can_be_chosen_once_after_power_on(bench: ChipBench) -> None:
    assert bench.peek(CR3) == 0x06
    bench.poke(CR3, 0x02)
    bench.poke(CR3, 0x04)
    assert bench.peek(CR3) == 0x02
    restart(bench)
    bench.poke(CR3, 0x04)
    assert bench.peek(CR3) == 0x02, "a reset does not open it again"
    bench.chip.set_vdd_mv(0)
    bench.run_ms(1)
    bench.power()
    assert bench.peek(CR3) == 0x06


def test_a_word_write_of_the_default_uses_up_the_one_write_but_a_byte_write_above_it_does_not(bench: ChipBench) -> None:
    bench.poke(CR3 + 3, 0x01, size=1)
    assert bench.peek(CR3) == 0x01000006
    bench.poke(CR3, 0x01000006)
    bench.poke(CR3, 0x02)
    assert bench.peek(CR3) & 0xFF == 0x06


@pytest.mark.parametrize(
    ("wired", "chosen", "alive"), [("ldo", 0x02, True), ("ldo", 0x04, False), ("smps", 0x02, False)]
)
def test_a_supply_that_does_not_fit_the_board_kills_the_core_within_a_millisecond(
    wired: str, chosen: int, alive: bool
) -> None:
    bench = ChipBench(replace(ChipConfig(), board_supply=wired))  # type: ignore[arg-type]
    bench.power()
    bench.poke(CR3, chosen)
    bench.run_ms(2)
    assert (bench.chip.vcap_mv > 0) is alive


def test_voltage_scaling_needs_a_chosen_supply_and_takes_a_moment(bench: ChipBench) -> None:
    d3cr = pwr.BASE + pwr.D3CR
    bench.poke(d3cr, 3 << 14)
    assert bench.peek(d3cr) == 0x4000
    bench.poke(CR3, 0x02)
    bench.poke(d3cr, 3 << 14)
    assert bench.peek(d3cr) == 0xC000
    bench.run_ms(1)
    assert bench.peek(d3cr) == 0xE000
    assert bench.chip.vcap_mv == 1210


def test_ports_read_zero_until_they_are_clocked_and_then_show_their_reset_values(bench: ChipBench) -> None:
    assert bench.peek(PORT_A) == 0
    bench.poke(AHB4ENR, 0x7FF)
    assert bench.peek(PORT_A) == 0xABFFFFFF
    assert bench.peek(PORT_A + gpio.PORT_SIZE) == 0xFFFFFEBF
    assert bench.peek(PORT_A + 2 * gpio.PORT_SIZE) == 0xFFFFFFFF
    assert bench.peek(PKGR) == 0
    bench.poke(APB4ENR, 1 << rcc.SYSCFGEN)
    assert bench.peek(PKGR) == 2


def test_a_pin_is_high_impedance_until_it_is_an_output_and_reset_takes_it_back(bench: ChipBench) -> None:
    port_b = PORT_A + gpio.PORT_SIZE
    bench.poke(AHB4ENR, 2)
    assert bench.chip.pin("PB5") is None
    bench.poke(port_b + gpio.BSRR, 1 << 5)
    bench.poke(port_b + gpio.MODER, 0xFFFFFEBF & ~(3 << 10) | 1 << 10)
    assert bench.chip.pin("PB5") is True
    bench.poke(port_b + gpio.BSRR, 1 << 21)
    assert bench.chip.pin("PB5") is False
    restart(bench)
    assert bench.chip.pin("PB5") is None
    assert [level for _, name, level in bench.edges if name == "PB5"] == [True, False, None]


def test_inputs_follow_the_board_and_otherwise_their_pull(bench: ChipBench) -> None:
    port_c = PORT_A + 2 * gpio.PORT_SIZE
    bench.poke(AHB4ENR, 4)
    bench.poke(port_c + gpio.MODER, 0)
    bench.poke(port_c + gpio.PUPDR, 1 << 2 * 7)
    assert bench.peek(port_c + gpio.IDR) == 1 << 13 | 1 << 7, "the button's line is driven high, PC7 is pulled up"
    bench.chip.set_pin("PC13", False)
    assert bench.peek(port_c + gpio.IDR) == 1 << 7


def test_taking_the_debug_pins_away_silences_the_debug_port_until_reset(bench: ChipBench) -> None:
    assert bench.chip.system.debug_port_alive
    bench.poke(AHB4ENR, 1)
    bench.poke(PORT_A, 0xABFFFFFF & ~(3 << 26))
    assert not bench.chip.system.debug_port_alive
    restart(bench)
    assert bench.chip.system.debug_port_alive


def start_watchdog(bench: ChipBench) -> None:
    """One second: 32 kHz / 32 / 1000."""
    for register, value in ((iwdg.KR, 0xCCCC), (iwdg.KR, 0x5555), (iwdg.PR, 3), (iwdg.RLR, 999), (iwdg.KR, 0xAAAA)):
        bench.poke(iwdg.BASE + register, value)


def test_a_watchdog_that_is_not_fed_resets_the_chip_and_says_so(bench: ChipBench) -> None:
    bench.poke(RSR, rcc.RMVF)
    start_watchdog(bench)
    bench.run_ms(995)
    bench.poke(iwdg.BASE, 0xAAAA)
    bench.run_ms(995)
    assert bench.peek(RSR) == 0
    bench.run_ms(20)
    assert bench.peek(RSR) == 0x04420000
    bench.run_ms(5000)
    bench.poke(RSR, rcc.RMVF)
    bench.run_ms(5000)
    assert bench.peek(RSR) == 0, "the reset has stopped it"


def test_the_freeze_holds_the_watchdog_only_while_the_core_is_halted(bench: ChipBench) -> None:
    bench.poke(RSR, rcc.RMVF)
    bench.poke(APB4FZ1, 1 << 18)
    start_watchdog(bench)
    bench.run_ms(10_000)
    assert bench.peek(RSR) == 0
    bench.resume()
    bench.run_ms(900)
    assert bench.peek(RSR) == 0
    bench.run_ms(200)
    assert bench.peek(RSR) == 0x04420000


def test_tim2_counts_at_its_kernel_clock_divided_by_the_prescaler(bench: ChipBench) -> None:
    bench.poke(APB1LENR, 1 << 0)
    bench.poke(tim2.BASE + tim2.PSC, 63_999)
    bench.poke(tim2.BASE + tim2.EGR, 1)
    bench.poke(tim2.BASE + tim2.CR1, 1)
    bench.run_ms(250)
    assert bench.peek(tim2.BASE + tim2.CNT) == 250


def test_tim2_flags_the_count_that_ccr1_holds_and_the_overflow(bench: ChipBench) -> None:
    bench.poke(APB1LENR, 1 << 0)
    # The other channels capture: a compare value of 0 would be reached, too.
    settings = {
        tim2.PSC: 63_999,
        tim2.ARR: 99,
        tim2.CCR1: 40,
        tim2.CCMR1: 1 << 8,
        tim2.CCMR2: 0x101,
        tim2.EGR: 1,
        tim2.SR: 0,
        tim2.CR1: 1,
    }
    for offset, value in settings.items():
        bench.poke(tim2.BASE + offset, value)
    seen = []
    for _ in range(3):
        bench.clock.advance(39_000_000)
        seen.append(bench.peek(tim2.BASE + tim2.SR))
    assert seen == [0, tim2.CC1IF, tim2.CC1IF | tim2.UIF], "after 39, 78 and 117 ms"
    bench.poke(tim2.BASE + tim2.SR, ~tim2.CC1IF & 0xFFFFFFFF)
    assert bench.peek(tim2.BASE + tim2.SR) == tim2.UIF
    bench.clock.advance(22_000_000)
    assert bench.peek(tim2.BASE + tim2.SR) == tim2.UIF, "139 ms: count 39"
    bench.clock.advance(2_000_000)
    assert bench.peek(tim2.BASE + tim2.SR) == tim2.UIF | tim2.CC1IF


def test_a_serial_line_takes_ten_bit_times_a_byte(bench: ChipBench) -> None:
    base = USART3
    bench.poke(APB1LENR, 1 << 18)
    bench.poke(base + usart.BRR, 64_000_000 // 1000)
    bench.poke(base + usart.CR1, usart.UE | usart.TE)
    assert bench.peek(base + usart.ISR) & (usart.TXE | usart.TC) == usart.TXE | usart.TC
    bench.poke(base + usart.TDR, 0x55)
    bench.poke(base + usart.TDR, 0xAA)
    assert not bench.peek(base + usart.ISR) & usart.TXE
    bench.run_ms(11)
    assert bench.peek(base + usart.ISR) & (usart.TXE | usart.TC) == usart.TXE
    bench.run_ms(10)
    assert bench.peek(base + usart.ISR) & usart.TC
    assert bench.sent == b"\x55\xaa"


def test_ram_of_the_second_domain_answers_once_it_is_clocked(bench: ChipBench) -> None:
    assert not bench.chip.rams["SRAM1"].enabled
    bench.poke(rcc.BASE + rcc.AHB2ENR, 1 << rcc.SRAM1EN)
    bench.poke(0x30000000, 0x1234)
    assert bench.peek(0x30000000) == 0x1234
    restart(bench)
    assert not bench.chip.rams["SRAM1"].enabled


@pytest.mark.parametrize(("version", "locked"), [(0x93, False), (0x92, True)])
def test_boot0_leads_into_the_bootloader_and_old_ones_use_up_the_supply_choice(version: int, locked: bool) -> None:
    bench = ChipBench(ChipConfig(bootloader_version=version))
    bench.chip.set_boot0(True)
    bench.power()
    bench.run_ms(5)
    assert bench.chip.core.pc >> 20 == 0x1FF
    assert not bench.chip.core.lockup
    bench.poke(CR3, 0x02)
    assert bench.peek(CR3) & 0xFF == (0x06 if locked else 0x02)


def test_a_hardware_watchdog_runs_from_reset_on() -> None:
    bench = ChipBench()
    bench.power()
    bench.chip.system.hardware_watchdog = True
    bench.chip.peripherals.release()
    bench.poke(RSR, rcc.RMVF)
    bench.run_ms(500)
    assert bench.peek(RSR) == 0
    bench.run_ms(50)
    assert bench.peek(RSR) == 0x04420000, "512 ms with the reset values: 4 / 32 kHz x 4096"


def test_deep_sleep_stops_the_debug_port_and_standby_takes_it_until_reset(bench: ChipBench) -> None:
    ram = bench.chip.rams["DTCM"].data
    ram[:4] = b"\x30\xbf\xfd\xe7"  # wfi; b .-2
    bench.chip.core.write_register(16, 0x01000000)
    bench.chip.core.write_register(15, 0x20000000)
    bench.poke(0xE000ED10, 1 << 2)
    bench.poke(pwr.BASE + pwr.CPUCR, 7)
    bench.resume()
    bench.run_ms(1)
    assert bench.chip.system.low_power == "standby"
    assert not bench.chip.system.debug_port_alive
    restart(bench)
    assert bench.chip.system.debug_port_alive
