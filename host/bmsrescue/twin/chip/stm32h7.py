"""The whole chip: its pins on one side, everything behind them on the other."""

from __future__ import annotations

import random
from collections.abc import Callable

from bmsrescue.twin.chip import dbgmcu, memory_map, system_memory
from bmsrescue.twin.chip.bus import Bus, BusError, BusWait, RomBlock
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core.cortex_m7 import CortexM7
from bmsrescue.twin.chip.counters import Counters
from bmsrescue.twin.chip.dbgmcu import Dbgmcu, HiddenDbgmcu
from bmsrescue.twin.chip.families import H7, ForeignBus
from bmsrescue.twin.chip.flash import registers as flash_registers
from bmsrescue.twin.chip.flash.array import FlashArray
from bmsrescue.twin.chip.flash.controller import FlashController
from bmsrescue.twin.chip.flash.memory import FlashMemory
from bmsrescue.twin.chip.flash.option_bytes import OptionBytes
from bmsrescue.twin.chip.peripherals.on_chip import OnChipPeripherals
from bmsrescue.twin.chip.reset import ResetKind, clears_power_domain
from bmsrescue.twin.chip.swd import ap_registers, rom_table
from bmsrescue.twin.chip.swd.debug_port import AccessPort, DebugPort
from bmsrescue.twin.chip.swd.memap import ApbAp, MemAp
from bmsrescue.twin.chip.swd.port import SwdPort
from bmsrescue.twin.chip.system import LowPowerMode, System
from bmsrescue.twin.clock import VirtualClock

_AHB_D2_BLIND = ((memory_map.ITCM, 0x00010000), (memory_map.DTCM, 0x20020000), (memory_map.PPB, 0x100000000))
"""What AP1 does not reach: the core's own memories and its private peripherals (start, end)."""

_IDLE_UA = 6_000
_RUN_UA_PER_MHZ = 220
_SLEEP_UA_PER_MHZ = 70
_VCORE_DEAD_UA = 1_500


class Stm32H7:
    """The part that ``config.part`` names. The board drives its pins; a debugger drives ``swd``."""

    def __init__(self, clock: VirtualClock, seed: int = 0, config: ChipConfig | None = None) -> None:
        self.config = config = config or ChipConfig()
        self.clock = clock
        self._rng = random.Random(seed)
        self._noise = memory_map.PowerOnNoise(self._rng)
        self.counters = Counters()
        self.system = System(clock, config)
        self.die = die = config.die
        self.rams = memory_map.make_rams(die, gated_is_error=config.gated_ram_is_error)
        self.system.gates = {ram.name: self.rams[ram.name] for ram in die.rams if ram.clock is not None}
        self.flash = FlashArray(config)
        self.options = OptionBytes(config.sold_as)
        self.dbgmcu = Dbgmcu(config.shown_idc)
        self.bus = Bus()
        self.flash_controller = FlashController(clock, self.system, self.flash, self.options, config, self._rng)
        self.flash_controller.on_regression = self._readout_protection_fell
        roms = [RomBlock(start, data) for start, data in system_memory.contents(config).items()]
        self.core = CortexM7(clock, self.bus, [*self.rams.values(), *roms], config, self.flash)
        self.flash_controller.on_read_limits = self.core.limit_flash_reads
        self.core.ask_flash_busy(self.flash_controller.read_stalls_until_ns)
        self.core.on_reset_request = lambda: self.system.request_reset("software")
        self._attach_memories(roms)
        self.peripherals = OnChipPeripherals(clock, self.bus, self.system, self.core, self.dbgmcu)
        self.peripherals.on_pin = lambda name, level: self.on_pin(name, level)
        self.peripherals.on_uart = lambda name, data: self.on_uart(name, data)
        self.on_pin: Callable[[str, bool | None], None] = lambda name, level: None
        """A pin changed what it drives; None is high impedance. Called with the clock at that moment."""
        self.on_uart: Callable[[str, bytes], None] = lambda name, data: None
        """A serial port ("USART3") sent bytes."""
        self.on_nrst: Callable[[bool], None] = lambda low: None
        """The chip pulls NRST low, or lets it go."""
        self.system.on_nrst.append(lambda low: self.on_nrst(low))
        family = config.shown_family
        self.ap0, self.ap1, self.ap2 = self._make_access_ports()
        ports: dict[int, AccessPort] = {family.core_port: self.ap0}
        if family.debug_port is not None:
            ports[family.debug_port] = self.ap2
        if family is H7:
            ports[1] = self.ap1
        debug_port = DebugPort(clock, self.counters, config, ports)
        self._debug_port = debug_port
        self.swd = SwdPort(clock, debug_port, self.counters, config)
        self.system.keeps_debug_clock = self._keeps_debug_clock
        self.system.on_power.append(self._power_changed)
        self.system.on_reset.append(self._reset_begins)
        self.system.on_release.append(self._reset_over)
        self.system.on_vcore_lost.append(self._vcore_lost)
        self.system.on_debug_access.append(self._debug_access_changed)

    # --- what the board drives ----------------------------------------------------------------------------------------

    def set_vdd_mv(self, mv: int) -> None:
        """The 3.3 V supply; crossing the power-on and brown-out thresholds does what it does on silicon."""
        self.core.run_to(self.clock.now_ns)
        self.system.set_vdd_mv(mv)

    def set_nrst(self, low: bool) -> None:
        """An open-drain pull on NRST from outside."""
        self.core.run_to(self.clock.now_ns)
        self.system.set_nrst(low)

    def set_boot0(self, high: bool) -> None:
        self.system.boot0_pin = high

    def set_pin(self, name: str, level: bool | None) -> None:
        """An input pin such as "PC13"; None lets it go."""
        self.core.run_to(self.clock.now_ns)
        self.peripherals.set_pin(name, level)

    def send_to_uart(self, name: str, data: bytes) -> None:
        """Send bytes to a serial port ("USART3") as a terminal would: at its speed, heard only while it is on."""
        self.core.run_to(self.clock.now_ns)
        self.peripherals.receive(name, data)

    # --- what the board sees ------------------------------------------------------------------------------------------

    def pin(self, name: str) -> bool | None:
        """The level the chip drives on a pin; None is high impedance."""
        self.core.run_to(self.clock.now_ns)
        return self.peripherals.pin(name)

    @property
    def nrst_low(self) -> bool:
        """The chip itself pulls NRST low: an internal reset, or no supply."""
        return self.system.nrst_pulled_low

    @property
    def vcap_mv(self) -> int:
        """What the core regulator makes."""
        return self.system.vcap_mv

    @property
    def supply_ua(self) -> int:
        """Current drawn from 3.3 V: an estimate from the core clock, and the flash operation's of the data sheet."""
        system = self.system
        if not system.powered:
            return 0
        if not system.vcore_ok:
            return _VCORE_DEAD_UA
        if system.in_reset:
            return _IDLE_UA
        per_mhz = _SLEEP_UA_PER_MHZ if self.core.sleeping else _RUN_UA_PER_MHZ
        return _IDLE_UA + per_mhz * self.core.frequency_hz // 1_000_000 + self.flash_controller.supply_ua

    # --- assembly -----------------------------------------------------------------------------------------------------

    def _attach_memories(self, roms: list[RomBlock]) -> None:
        bus = self.bus
        for ram in self.rams.values():
            bus.attach(ram.start, len(ram.data), ram)
        for rom in roms:
            bus.attach(rom.start, len(rom.data), rom)
        geometry = self.flash.geometry
        bus.attach(geometry.base, geometry.size, FlashMemory(self.flash, self.flash_controller, self.config))
        bus.attach(flash_registers.FLASH_BASE, flash_registers.FLASH_SIZE, self.flash_controller)
        hidden = HiddenDbgmcu(self.dbgmcu, lambda: self.ap2.csw_hides_dbgmcu)
        bus.attach(dbgmcu.AHB_BASE, dbgmcu.SIZE, hidden)
        bus.attach(memory_map.PPB, memory_map.PPB_SIZE, self.core.ppb)

    def _make_access_ports(self) -> tuple[MemAp, MemAp, ApbAp]:
        config = self.config
        debug_apb = Bus()
        components = rom_table.DebugComponents(config.shown_device_id)
        for address in rom_table.COMPONENT_ADDRESSES:
            debug_apb.attach(address, rom_table.COMPONENT_SIZE, components)
        debug_apb.attach(dbgmcu.APB_BASE, dbgmcu.SIZE, self.dbgmcu)
        counters = self.counters
        family = config.shown_family
        if family is not H7:
            core_bus = ForeignBus(self.bus, family.identity)
            debug_bus = ForeignBus(None, family.debug_identity)
            ap0 = MemAp(
                "AP of the core", core_bus, counters, self._ap0_access, config, family.core_idr, ap_registers.AP0_BASE
            )
            ap1 = MemAp("AP1", core_bus, counters, self._ap1_access, config, 0, ap_registers.NO_BASE)
            ap2 = ApbAp("debug AP", debug_bus, counters, self._ap2_access, config, family.debug_idr, config.ap2_base)
            return ap0, ap1, ap2
        ap0 = MemAp("AP0", self.bus, counters, self._ap0_access, config, family.core_idr, ap_registers.AP0_BASE)
        ap1 = MemAp("AP1", self.bus, counters, self._ap1_access, config, config.ap1_idr, ap_registers.NO_BASE)
        ap2 = ApbAp("AP2", debug_apb, counters, self._ap2_access, config, config.ap2_idr, config.ap2_base)
        ap0.undisturbed = self._halted_under_debugger
        ap0.minds_no_write = self._minds_no_write
        return ap0, ap1, ap2

    # --- what stands between the access ports and their buses ---------------------------------------------------------

    def _ap0_access(self, address: int) -> None:
        if not self.system.debugger_seen:
            self._debugger_seen()
        if not self.core.halted:
            self.core.run_to(self.clock.now_ns)
            self.core.touched(address)
        private = address >= memory_map.PPB
        if self.system.in_reset:
            if not private and self.config.ap0_without_axi_under_reset:
                raise BusError(address, "in reset")
        elif private and self.core.sleeping and self._sleep_stalls_debug():
            raise BusWait

    def _halted_under_debugger(self) -> bool:
        return self.core.halted and self.system.debugger_seen and not self.system.in_reset

    def _minds_no_write(self, address: int, size: int, until_ns: int) -> bool:
        if self.system.in_reset or not self.system.debugger_seen:
            return False
        return self.core.halted or self.core.minds_no_write(address, size, until_ns)

    def _sleep_stalls_debug(self) -> bool:
        return self.config.sleep_stalls_core_registers and not self.dbgmcu.debug_in_sleep

    def _ap1_access(self, address: int) -> None:
        if not self.system.debugger_seen:
            self._debugger_seen()
        self.core.run_to(self.clock.now_ns)
        self.core.touched(address)
        if self.system.in_reset:
            raise BusError(address, "in reset")
        if any(start <= address < end for start, end in _AHB_D2_BLIND):
            raise BusError(address, "not on the D2 matrix")

    def _ap2_access(self, _address: int) -> None:
        self.core.run_to(self.clock.now_ns)

    def _debugger_seen(self) -> None:
        self.system.debugger_seen = True
        self.core.run_to(self.clock.now_ns)
        self.flash_controller.update_read_limits()

    # --- power and reset ----------------------------------------------------------------------------------------------

    def _power_changed(self, up: bool) -> None:
        if up:
            self.flash.power_on()
            self.options.reload()
            self.swd.power_on_reset()
            self._debug_port.power_on_reset()
            for port in (self.ap0, self.ap1, self.ap2):
                port.power_on_reset()
            return
        self.flash_controller.reset(flash_powered=False)
        self.core.power_off()
        self.peripherals.power_off()
        if self.config.power_loss_scrambles_ram:
            self._noise.fill(self.rams)

    def _reset_begins(self, kind: ResetKind) -> None:
        if clears_power_domain(kind, bor_is_power_reset=self.config.bor_is_power_reset):
            self.dbgmcu.power_on_reset()
            self.core.power_off()
        self._debug_port.bus_reset()
        self.flash_controller.reset()
        options = self.options.current
        self.system.boot_addresses = options.boot_addresses
        self.system.bor_level = options.bor_level
        self.system.hardware_watchdog = options.hardware_watchdog
        for name in self.system.gates:
            self.system.set_gate(name, False)
        self.ap2.in_reset = True
        self.core.reset(hold=True)
        self.peripherals.reset(kind)

    def _reset_over(self) -> None:
        self.ap2.in_reset = False
        self.core.boot_address = self.system.boot_address
        self.peripherals.release()
        self.core.reset(hold=False)

    def _keeps_debug_clock(self, mode: LowPowerMode) -> bool:
        return self.dbgmcu.debug_in_stop if mode == "stop" else self.dbgmcu.debug_in_standby

    def _vcore_lost(self) -> None:
        self.core.run_to(self.clock.now_ns)
        self.flash_controller.reset(flash_powered=False)
        self.core.power_off()
        self.peripherals.power_off()

    def _debug_access_changed(self) -> None:
        dead_level = 1 if self.system.powered else self.config.unpowered_line_level
        self.swd.set_alive(self.system.debug_port_alive, dead_level)

    def _readout_protection_fell(self, fraction: float) -> None:
        """Backup SRAM goes together with the flash."""
        if fraction >= 1.0:
            backup = self.rams["BKPRAM"].data
            backup[:] = bytes(len(backup))
