"""The facts, one function each: measured over the link of any helper, nothing on the unit changed but its RAM.

What a register is and where it stands is docs/reference/chip.md's; each finding names its row there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bmsrescue.client.helper import Helper
from bmsrescue.client.session import SLOW_S
from bmsrescue.silicon.report import Finding
from rescuelink.errors import LinkError, RescueError, WireError

_DP, _AP = 0, 1
_ABORT, _CTRL_STAT, _SELECT = 0x0, 0x4, 0x8  # of the debug port
_CSW, _TAR, _DRW = 0x0, 0x4, 0xC  # of an access port
_POWER_UP, _POWER_ACK = 0x50000000, 0xA0000000
_CLEAR_STICKY = 0x1E
_AP2 = 2 << 24
_CSW_DBGSWEN = 1 << 31
_CSW_INCREMENT, _CSW_PACKED = 1 << 4, 2 << 4
_ATTACHED, _UNDER_RESET = "attach", "under-reset"
_HZ = 1_000_000

_DBGMCU_IDC = 0x5C001000
_RCC_RSR, _RSR_RMVF = 0x580244D0, 1 << 16
_PWR_CR3 = 0x5802480C
_AHB_SRAM1 = 0x30000000
_AXI_SRAM = 0x24000000
_BOOTLOADER_VERSION, _DIES_WITH_VERSION = 0x1FF1E7FE, (0x483, 0x450)
_AXI_SRAM_BITS: Final = 17  # 128 KiB at the least
_POLLS = 24  # reads of CTRL/STAT in one batch
_TRANSFER_CLOCKS = 46 + 8  # of a read and what the helper idles behind it
_LADDER_HZ: Final = (1_000_000, 2_000_000, 4_000_000, 6_000_000, 8_000_000, 10_000_000, 12_500_000)
_PATTERN_BYTES = 1024
_TRIES = 4

Fact = Callable[[Helper], Iterator[Finding]]


def adc_zero(helper: Helper) -> Iterator[Finding]:
    """With everything off."""
    helper.power_off()
    found = {name: raw for name, raw in helper.session.call("rails.raw").items() if raw is not None}
    if found:
        said = ", ".join(f"{name} {raw}" for name, raw in sorted(found.items()))
        yield Finding("the ADC's reading with the unit off, of 65536", "unit.md#adc-zero", said)


def supply(helper: Helper) -> Iterator[Finding]:
    """From the switch to 3.3 V that is steady, by the helper's clock; and the core's supply as it came up."""
    began = helper.session.call("helper.time")["us"]
    helper.power_on()
    took_ms = (helper.session.call("helper.time")["us"] - began & 0x3FFFFFFF) / 1000
    yield Finding("from power on to steady rails", "unit.md#settling", f"{took_ms:.0f} ms")
    _connect(helper, _UNDER_RESET)
    yield Finding("PWR_CR3 after power-on, before any firmware", "chip.md#cr3-once", f"0x{_word(helper, _PWR_CR3):08x}")


def resets(helper: Helper) -> Iterator[Finding]:
    """RCC_RSR after each kind of reset that a helper can make."""
    _connect(helper, _UNDER_RESET)
    yield Finding("RCC_RSR after power-on and NRST", "chip.md#rsr", f"0x{_word(helper, _RCC_RSR):08x}")
    _write(helper, _RCC_RSR, _RSR_RMVF)
    _connect(helper, _UNDER_RESET)
    yield Finding("RCC_RSR after NRST alone", "chip.md#rsr", f"0x{_word(helper, _RCC_RSR):08x}")
    _write(helper, _RCC_RSR, _RSR_RMVF)
    helper.session.call("core.reset", timeout_s=SLOW_S)
    yield Finding("RCC_RSR after SYSRESETREQ", "chip.md#rsr", f"0x{_word(helper, _RCC_RSR):08x}")


def identity(helper: Helper) -> Iterator[Finding]:
    """What the chip says of itself beyond its DEV_ID."""
    found = _connect(helper, _UNDER_RESET)
    idc = _word(helper, _DBGMCU_IDC)
    reserved = idc & 0xF000
    yield Finding("bits 15:12 of DBGMCU_IDC", "chip.md#identity-words", f"0x{idc:08x}", "idc_reserved", reserved)
    for index in (1, 2):
        idr = found["aps"].get(str(index))
        if idr is not None:
            yield Finding(f"IDR of AP{index}", "chip.md#ap-list", f"0x{idr:08x}", f"ap{index}_idr", idr)
    version = _word(helper, _BOOTLOADER_VERSION & ~3) >> 8 * (_BOOTLOADER_VERSION & 3) & 0xFF
    yield Finding(
        "version of the system bootloader", "chip.md#rom-bootloader", f"0x{version:02x}", "bootloader_version", version
    )


def target_id(helper: Helper) -> Iterator[Finding]:
    """TARGETID, in bank 2 of the debug port."""
    _connect(helper, _ATTACHED)
    found = _transfer(helper, [[_DP, _SELECT, 2], [_DP, _CTRL_STAT], [_DP, _SELECT, 0]])[0]
    yield Finding("TARGETID", "chip.md#targetid", f"0x{found:08x}", "target_id", found)


def tar_increment(helper: Helper) -> Iterator[Finding]:
    """How many low bits of TAR count: it is put on the last word of ever larger blocks, and read back after a read."""
    _connect(helper, _UNDER_RESET)
    csw = _transfer(helper, [[_DP, _SELECT, 0], [_AP, _CSW]])[0] & ~(_CSW_INCREMENT | _CSW_PACKED) | _CSW_INCREMENT
    bits = None
    for count in range(10, _AXI_SRAM_BITS):
        last = _AXI_SRAM + (1 << count) - 4
        after = _transfer(helper, [[_AP, _CSW, csw], [_AP, _TAR, last], [_AP, _DRW], [_AP, _TAR]])[-1]
        if after != last + 4:
            bits = count
            break
    said = "more than can be seen in 128 KiB" if bits is None else f"{bits} bits"
    yield Finding("TAR counts within", "chip.md#tar-1k", said, "tar_increment_bits", bits)
    kept = _transfer(helper, [[_AP, _CSW, csw & ~_CSW_INCREMENT | _CSW_PACKED], [_AP, _CSW], [_AP, _CSW, csw]])[0]
    packed = kept >> 4 & 3 == 2
    yield Finding("CSW keeps packed transfers", "chip.md#packed", _yes(packed), "packed_transfers", packed)


def power_up(helper: Helper) -> Iterator[Finding]:
    """From the debug port's power-up request to its acknowledgement, in reads of CTRL/STAT."""
    _connect(helper, _ATTACHED)
    hz = helper.session.call("target.clock", 4 * _HZ)
    _transfer(helper, [[_DP, _CTRL_STAT, 0]] + [[_DP, _CTRL_STAT]] * _POLLS)
    polls = _transfer(helper, [[_DP, _CTRL_STAT, _POWER_UP]] + [[_DP, _CTRL_STAT]] * (_POLLS - 1))
    asked = next((count for count, value in enumerate(polls, 1) if value & _POWER_ACK == _POWER_ACK), None)
    each_us = _TRANSFER_CLOCKS * 1e6 / hz
    said = f"not within {len(polls) * each_us:.0f} us" if asked is None else f"at most {asked * each_us:.0f} us"
    yield Finding("power-up of the debug port is acknowledged after", "chip.md#dp-power-up", said)


def gated_ram(helper: Helper) -> Iterator[Finding]:
    """A read of AHB SRAM whose clock is off after reset."""
    _connect(helper, _UNDER_RESET)
    refused = _is_refused(lambda: _word(helper, _AHB_SRAM1))
    said = "a bus error" if refused else "a value"
    yield Finding(
        "a read of AHB SRAM with its clock off gives", "chip.md#gated-ram", said, "gated_ram_is_error", refused
    )


def in_reset(helper: Helper) -> Iterator[Finding]:
    """What AP0 and AP2 reach while NRST is low."""
    _connect(helper, _ATTACHED)
    call = helper.session.call
    call("lines.nrst", True)
    try:
        csw = _transfer(helper, [[_DP, _SELECT, _AP2], [_AP, _CSW]])[0]
        clear = not csw & _CSW_DBGSWEN
        said = f"{_yes(clear)} (0x{csw:08x})"
        yield Finding("bit 31 of AP2.CSW reads 0 in reset", "chip.md#ap2-csw", said, "ap2_csw_clear_in_reset", clear)
        read = [[_DP, _SELECT, 0], [_AP, _TAR, _DBGMCU_IDC], [_AP, _DRW]]
        refused = _is_refused(lambda: _transfer(helper, read))
        name = "AP0 reaches no bus in reset"
        yield Finding(name, "chip.md#ap-under-reset", _yes(refused), "ap0_without_axi_under_reset", refused)
    finally:
        call("lines.nrst", False)


def clock_margin(helper: Helper) -> Iterator[Finding]:
    """The fastest SWCLK at which a pattern in RAM comes back whole each time: the margin of helper, wires and chip."""
    _connect(helper, _UNDER_RESET)
    pattern = bytes(index * 167 + (index >> 8) & 0xFF for index in range(_PATTERN_BYTES))
    sound = 0
    for hz in _LADDER_HZ:
        got = helper.session.call("target.clock", hz)
        if not all(_comes_back(helper, pattern) for _ in range(_TRIES)):
            break
        sound = got
    yield Finding(
        "fastest SWCLK with every bit right", "unit.md#swd-clock", f"{sound / 1e6:g} MHz" if sound else "none"
    )


FACTS: Final[tuple[Fact, ...]] = (
    adc_zero,
    supply,
    resets,
    identity,
    target_id,
    tar_increment,
    power_up,
    gated_ram,
    in_reset,
    clock_margin,
)


def _connect(helper: Helper, how: str) -> dict[str, Any]:
    if not helper.power_status()["on"]:
        helper.power_on()
    found: dict[str, Any] = helper.session.call("target.connect", how, _HZ, timeout_s=SLOW_S)
    return found


def _transfer(helper: Helper, entries: list[list[Any]]) -> list[int]:
    found: list[int] = helper.session.call("target.transfer", entries)
    return found


def _word(helper: Helper, address: int) -> int:
    return int.from_bytes(helper.session.call("memory.read", address, 4), "little")


def _write(helper: Helper, address: int, value: int) -> None:
    helper.session.call("memory.write", address, value.to_bytes(4, "little"))


def _is_refused(read: Callable[[], Any]) -> bool:
    """Whether the bus refuses it; anything else that goes wrong is an error."""
    try:
        read()
    except WireError as error:
        if error.kind != "fault":
            raise
        return True
    return False


def _comes_back(helper: Helper, pattern: bytes) -> bool:
    call = helper.session.call
    try:
        call("memory.write", _AXI_SRAM, pattern)
        return bytes(call("memory.read", _AXI_SRAM, len(pattern))) == pattern
    except LinkError:
        raise
    except RescueError:
        return False


def _yes(so: bool) -> str:
    return "yes" if so else "no"
