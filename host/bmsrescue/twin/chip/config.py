"""Everything about the chip that silicon has not confirmed, as named switches, and how this one chip is made and wired.

Each default has its row, with source and standing, in docs/reference/chip.md or silicon.md, which names the switch. A
test that depends on an unconfirmed behaviour runs with the switch both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bmsrescue.twin.chip.dies import Die
from bmsrescue.twin.chip.families import FAMILIES, Family, FamilyName
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS, Part

Supply = Literal["ldo", "smps", "smps_1v8_ldo", "smps_2v5_ldo", "external"]
"""How the board feeds VCORE: linear regulator, step-down regulator, one after the other, or from outside."""


@dataclass(frozen=True)
class ChipConfig:
    # --- the part and its board -------------------------------------------------------------------------------------
    part: str = DEFAULT_PART
    """A name of `parts.PARTS`."""
    family: FamilyName = "h7"
    """Another family behind the debug port: other access ports, another core, nothing else of an H7 to be seen."""
    dpidr: int | None = None
    """DPIDR where it is not the family's."""
    device_id: int | None = None
    """DEV_ID of DBGMCU_IDC, where it is not the part's: another chip to whoever asks, with this one's insides."""
    idc_reserved: int | None = None
    """Bits 15:12 of DBGMCU_IDC where they are not the die's (read on an H753 only: 6)."""
    flash_size_kib: int | None = None
    """What the flash size register says, where it is not what is there."""
    revision_id: int | None = None
    """REV_ID of DBGMCU_IDC, where it is not the die's current one (0x483: 0x1000 is A, 0x1001 is Z)."""
    unique_id: tuple[int, int, int] = (0x00420031, 0x32335110, 0x38363130)
    board_supply: Supply = "ldo"
    """What the board is wired for; a PWR_CR3 that does not fit it takes VCORE away."""
    crystal_hz: int = 25_000_000
    crystal_start_ms: float | None = 2.0
    """From HSEON to HSERDY: about 2 ms where the crystal is good, hundreds where it is slow, None where it is dead."""
    lse_start_ms: float | None = 2000.0
    """From LSEON to LSERDY: the data sheet's 2 s; None is a board without a 32 kHz crystal."""
    bootloader_version: int = 0x93
    """Byte 0x1FF1E7FE. 0x91 and 0x92 write PWR_CR3 with a 32-bit access and use up its one write (chip.md#cr3-once)."""

    # --- supply and reset -------------------------------------------------------------------------------------------
    por_rise_mv: int = 1670
    por_fall_mv: int = 1620
    power_on_delay_us: int = 377
    """Reset temporisation after the supply is there: typically 377 us, at most 550 us."""
    reset_pulse_us: int = 20
    """How long an internal reset holds NRST low (unconfirmed)."""
    wwdg_reset_flags: int = 0x10000000
    """RCC_RSR after the window watchdog: this, or 0x10420000."""
    wwdg_needs_ww1rsc: bool = True
    """The window watchdog resets the chip only where software has set RCC_GCR.WW1RSC."""
    bor_is_power_reset: bool = True
    """A brown-out reset clears what a power-on reset clears (PWR_CR3's lock, DBGMCU); RAM is kept."""
    vcore_collapse_us: int = 1000
    """From a wrong supply selection to a dead core (chip.md#cr3-wrong)."""
    debug_survives_wrong_supply: bool = False
    """Whether the debug port still answers once VCORE is gone (chip.md#cr3-wrong: it does not)."""
    unpowered_line_level: int = 0
    """What SWDIO reads with VDD off: the chip's clamp diodes hold a released line low."""
    gated_ram_is_error: bool = True
    """AHB and backup SRAM with their clock off: bus error, or (False) reads 0 and drops writes."""
    power_loss_scrambles_ram: bool = True

    # --- debug port -------------------------------------------------------------------------------------------------
    target_id: int | None = None
    """DP TARGETID; without one it is derived from DEV_ID by ST's pattern, as read on an H743 (0x04500041)."""
    first_access_must_be_dpidr: bool = True
    """After a line reset anything but a DPIDR read (or TARGETSEL write) is left unanswered (chip.md#swd-line-reset)."""
    line_reset_idle_cycles: int = 2
    """Low cycles that must follow the ones of a line reset."""
    power_up_ack_us: int = 10
    """From CDBGPWRUPREQ/CSYSPWRUPREQ to their acknowledgement."""
    select_at_power_on: int = 0xFF0000F0
    """SELECT is undefined until written (chip.md#dp-select): an AP that does not exist, so that forgetting it shows."""
    ap_write_drain_cycles: int = 8
    """SWCLK cycles after its parity bit until a buffered AP write reaches the bus (chip.md#swd-idle: at least 8)."""
    stopped_clock_loses_write: bool = False
    """SWCLK that stops before those cycles have come loses the write; otherwise it waits in its buffer."""

    # --- access ports -----------------------------------------------------------------------------------------------
    ap1_idr: int = 0x84770001
    ap2_idr: int = 0x54770002
    ap2_base: int = 0xE00E0003
    tar_increment_bits: int = 10
    """How many low bits of TAR count in auto-increment; then it wraps."""
    packed_transfers: bool = True
    """Whether the AHB-APs keep CSW.AddrInc = 2."""
    ap0_without_axi_under_reset: bool = True
    """While NRST is low AP0 reaches the PPB only (chip.md#ap-under-reset)."""
    ap2_csw_trap: bool = True
    """AP2.CSW written with bit 31 clear hides DBGMCU at 0x5C001000 until power-on reset (chip.md#ap2-csw)."""
    ap2_csw_clear_in_reset: bool = True
    """AP2.CSW bit 31 reads 0 while in reset and is set by hardware at its end."""
    sleep_stalls_core_registers: bool = True
    """WFI with DBGSLEEP_D1 = 0: AP0's PPB accesses WAIT (chip.md#sleep-debug)."""

    # --- flash ------------------------------------------------------------------------------------------------------
    flash_time_spread: float = 1.0
    """0: each operation takes its typical time; 1: drawn from typical to maximum, mostly near typical."""
    read_while_busy_waits: bool = True
    """Flash read with QW=1 is stalled until the operation ends (chip.md#flash-busy); otherwise a bus error."""
    write_while_busy: Literal["wait", "error"] = "wait"
    """A write to flash with QW=1: the bus stalls until the buffer is free, or the write is refused with PGSERR."""
    bsy_drops_between_steps: bool = False
    """BSY falls for a moment in an operation, QW never does (chip.md#flash-qw). Off, as tools that poll BSY do work."""
    start_hold_us: int = 1
    """After START any FLASH register access is held for so long (chip.md#flash-start)."""
    wrong_unlock_sticks: bool = True
    """A wrong key or a second unlock sequence keeps LOCK set until the next system reset."""
    wrong_key_is_bus_error: bool = True
    erase_bits_block_programming: bool = True
    """SER or BER left set with PG makes a write fail with PGSERR (chip.md#flash-cr-whole)."""
    overwrite_result: Literal["double", "single"] = "double"
    """Programming other data over a programmed word: AND of both, and this ECC error (chip.md#flash-overwrite)."""
    overwrite_with_zeros_ok: bool = True
    """All-zero over a programmed word reads back clean (chip.md#flash-overwrite)."""
    ones_count_as_programmed: bool = False
    """Whether a word programmed with all ones may not be programmed again; on a physical cell it stays erased."""
    torn_word_faults: bool = True
    """A read of a word with a double ECC error is a bus error (chip.md#torn-read); DBECCERR is latched either way."""
    erase_cut_band_words: int = 16
    """Words left with double errors between erased and old ones where a sector erase was cut (chip.md#torn-word)."""
    crc_initial: int = 0xFFFFFFFF
    """The CRC unit's start value: nobody has confirmed it on an H725 (chip.md#crc-unit)."""
    crc_reflected: bool = False
    """Whether the CRC unit takes each byte's least significant bit first and reflects its result."""
    crc_word_bytes: Literal[1, 4, 8, 32] = 4
    """The CRC unit takes the most significant byte of each such word first."""

    pcrop_serves_vectors: bool = False
    """Whether the core's vector fetches pass in an execute-only area; as data they are refused."""

    # --- option bytes -----------------------------------------------------------------------------------------------
    option_change_ms: tuple[int, int] = (20, 500)
    """Shortest and longest option change (chip.md#options-change)."""
    cut_option_change_rdp1: bool = False
    """A cut option change leaves RDP at level 1 and the rest at factory values; otherwise the old values stay."""

    # --- what the part makes of it ----------------------------------------------------------------------------------

    @property
    def sold_as(self) -> Part:
        return PARTS[self.part]

    @property
    def die(self) -> Die:
        return PARTS[self.part].die

    @property
    def shown_family(self) -> Family:
        return FAMILIES[self.family]

    @property
    def shown_dpidr(self) -> int:
        return self.shown_family.dpidr if self.dpidr is None else self.dpidr

    @property
    def shown_cpuid(self) -> int:
        family = self.shown_family.cpuid
        return self.die.cpuid if family is None else family

    @property
    def shown_device_id(self) -> int:
        return self.die.device_id if self.device_id is None else self.device_id

    @property
    def shown_idc(self) -> int:
        """DBGMCU_IDC as a word."""
        revision = self.die.revision_id if self.revision_id is None else self.revision_id
        reserved = self.die.idc_reserved if self.idc_reserved is None else self.idc_reserved
        return revision << 16 | reserved | self.shown_device_id

    @property
    def shown_target_id(self) -> int:
        return self.shown_device_id << 16 | 0x0041 if self.target_id is None else self.target_id
