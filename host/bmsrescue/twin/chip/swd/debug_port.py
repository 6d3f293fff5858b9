"""The debug port behind the SWD line: its registers, sticky flags and the one transaction it can have with an AP.

Arm IHI 0031 (ADIv5.2), chapters B2 and B4; unconfirmed points are switches in ``ChipConfig``.
"""

from __future__ import annotations

from typing import Protocol

from bmsrescue.twin.chip.bus import BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.counters import Counters
from bmsrescue.twin.chip.swd import dp_registers as dp
from bmsrescue.twin.chip.swd.protocol import ACK_FAULT, ACK_OK, ACK_WAIT, AP_READ, AP_WRITE, DP_READ
from bmsrescue.twin.clock import Event, VirtualClock

_TRNMODE_VERIFY = 1
_TRNMODE_COMPARE = 2


class AccessPort(Protocol):
    """Registers of one AP, by their address 0x00..0xFC; raises BusError and BusWait like a bus device."""

    def read(self, register: int) -> int: ...

    def write(self, register: int, value: int) -> None: ...

    def read_run(self, register: int, count: int) -> bytes:
        """Words of up to ``count`` reads of a register, where nothing else can happen meanwhile; may be empty."""
        ...

    def write_run(self, register: int, data: bytes, until_ns: int) -> int:
        """How many words of ``data`` were written to a register, where nothing else can happen until then; may be 0."""
        ...

    def abort(self) -> None:
        """Give up the access that is being held off."""


class DebugPort:
    """One SW-DP. ``SwdPort`` moves its bits; here a request gets its acknowledgement and its effect."""

    def __init__(
        self, clock: VirtualClock, counters: Counters, config: ChipConfig, access_ports: dict[int, AccessPort]
    ) -> None:
        self.data = 0
        """What the read just acknowledged returns."""
        self.overrun_detect = False
        self.turnaround_cycles = 1
        self.posted: tuple[AccessPort | None, int, int] | None = None
        """A buffered AP write on its way: (AP, register, value)."""
        self._clock = clock
        self._counters = counters
        self._config = config
        self._access_ports = access_ports
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self.data = 0
        self.overrun_detect = False
        self.turnaround_cycles = 1
        self.posted = None
        self._control = 0
        self._sticky = 0
        self._read_ok = 0
        self._dlcr = dp.DLCR_RESET
        self._power_ack_ns = 0
        self._ready = False
        self._result = 0
        self._last_read = 0
        self._pending: tuple[AccessPort, int, int | None] | None = None
        self._pending_event: Event | None = None
        self._select_written = False
        self._write_select(self._config.select_at_power_on)

    # --- requests -----------------------------------------------------------------------------------------------------

    def request(self, request: int) -> int:
        """Acknowledge a request: ACK_OK, ACK_WAIT or ACK_FAULT. A read's value is in ``data`` afterwards."""
        if self.posted is not None:
            self.flush()
        if request >= AP_WRITE:
            if self._pending is not None and not self._sticky and not self._retry():
                return self._refuse(ACK_WAIT, is_read=request >= AP_READ)
            if self._sticky:
                return self._refuse(ACK_FAULT, is_read=request >= AP_READ)
            if request >= AP_READ:
                self._counters.ap_reads += 1
                self.data = self._last_read = self._result
                self._read_ok = dp.READOK
                if self._ready or self._prepare():
                    self._read(self._ap_bank | (request & 3) << 2)
            else:
                self._counters.ap_writes += 1
            return ACK_OK
        register = request & 3
        if request >= DP_READ:
            if register == dp.CTRL_STAT:
                self.data = self._read_banked()
            elif register == dp.DPIDR_ABORT:
                self.data = self._config.shown_dpidr
            else:
                refusal = self._blocked()
                if refusal:
                    return self._refuse(refusal, is_read=register == dp.RDBUFF_TARGETSEL)
                if register == dp.RDBUFF_TARGETSEL:
                    self._last_read = self._result
                    self._read_ok = dp.READOK
                self.data = self._last_read
            self._counters.dp_reads += 1
            return ACK_OK
        if register != dp.DPIDR_ABORT:
            refusal = self._blocked()
            if refusal:
                return self._refuse(refusal)
        self._counters.dp_writes += 1
        return ACK_OK

    def write(self, request: int, value: int) -> None:
        """The data phase of an acknowledged write, with its parity found good. AP writes are buffered in ``posted``."""
        if request >= AP_WRITE:
            self.posted = (self._ap, self._ap_bank | (request & 3) << 2, value)
            return
        register = request & 3
        if register == dp.DPIDR_ABORT:
            self._abort(value)
        elif register == dp.CTRL_STAT:
            self._write_banked(value)
        elif register == dp.RESEND_SELECT:
            self._select_written = True
            self._write_select(value)

    def read_run(self, request: int, count: int) -> bytes:
        """The answers to up to ``count`` AP reads in a row, where all are ACK_OK and plain data; may be empty."""
        if request < AP_READ or self._sticky or not self._ready or self.overrun_detect or self.turnaround_cycles != 1:
            return b""
        if self.posted is not None or self._pending is not None or self._ap is None:
            return b""
        data = self._ap.read_run(self._ap_bank | (request & 3) << 2, count)
        if not data:
            return b""
        answers = self._result.to_bytes(4, "little") + data[:-4]
        self._result = int.from_bytes(data[-4:], "little")
        self.data = self._last_read = int.from_bytes(answers[-4:], "little")
        self._read_ok = dp.READOK
        self._counters.ap_reads += len(answers) // 4
        return answers

    def write_run(self, request: int, data: bytes, until_ns: int) -> int:
        """How many words of ``data`` were taken by AP writes in a row, where all are ACK_OK and only write; may be 0.

        ``until_ns``: when the last of them would have been clocked.
        The last of them is ``posted``, the others have reached their AP.
        """
        if not AP_WRITE <= request < AP_READ or self._sticky or not self._ready or self.overrun_detect:
            return 0
        if self.turnaround_cycles != 1 or self._pending is not None or self._ap is None:
            return 0
        if self._control >> dp.TRNMODE_SHIFT & 3:
            return 0
        register = self._ap_bank | (request & 3) << 2
        before, words = self.posted, data
        if before is not None:
            if before[0] is not self._ap or before[1] != register:
                return 0
            words = before[2].to_bytes(4, "little") + data
        written = self._ap.write_run(register, words[:-4], until_ns)
        if not written:
            return 0
        self.posted = (self._ap, register, int.from_bytes(words[4 * written : 4 * written + 4], "little"))
        taken = written if before is not None else written + 1
        self._counters.ap_writes += taken
        return taken

    @property
    def is_free(self) -> bool:
        """Nothing is on its way to an AP, held off or refused: the next request is answered with OK."""
        return self.posted is None and self._pending is None and not self._sticky

    def line_reset(self) -> None:
        """The wire's own register goes back to what it was: one cycle of turnaround."""
        self._dlcr = dp.DLCR_RESET
        self.turnaround_cycles = 1

    def write_parity_error(self) -> None:
        """The data of an acknowledged write came with bad parity: the write is dropped."""
        self._sticky |= dp.WDATAERR
        self._counters.violation("bad parity", "write data")

    def flush(self) -> None:
        """The buffered AP write reaches its AP."""
        posted = self.posted
        self.posted = None
        if posted is None:
            return
        port, register, value = posted
        if not (self._ready or self._prepare()) or port is None:
            return
        trnmode = self._control >> dp.TRNMODE_SHIFT & 3
        if trnmode:
            self._pushed(port, register, value, trnmode)
            return
        try:
            port.write(register, value)
        except BusWait as wait:
            self._hold(port, register, value, wait)
        except BusError:
            self._sticky |= dp.STICKYERR

    def bus_reset(self) -> None:
        """A system reset frees an access that was held off; it ends in an error."""
        if self._pending is not None:
            self._drop_pending()

    # --- AP transactions ----------------------------------------------------------------------------------------------

    def _read(self, register: int) -> None:
        port = self._ap
        if port is None:
            self._result = 0
            return
        try:
            self._result = port.read(register)
        except BusWait as wait:
            self._hold(port, register, None, wait)
        except BusError:
            self._sticky |= dp.STICKYERR

    def _prepare(self) -> bool:
        """Whether the debug power is up, so that APs can be used; using them without, or before SELECT, is noted."""
        if not self._select_written:
            self._counters.violation("AP access before SELECT was written")
        requested = dp.CDBGPWRUPREQ | dp.CSYSPWRUPREQ
        if self._control & requested != requested or self._clock.now_ns < self._power_ack_ns:
            self._sticky |= dp.STICKYERR
            self._counters.violation("AP access before power-up")
            return False
        self._ready = self._select_written
        return True

    def _hold(self, port: AccessPort, register: int, value: int | None, wait: BusWait) -> None:
        self._pending = (port, register, value)
        if wait.until_ns is not None:
            # The access goes through by itself when its time has come, whether or not anybody asks again.
            self._pending_event = self._clock.at(wait.until_ns, self._retry_now)

    def _retry_now(self) -> None:
        self._retry()

    def _retry(self) -> bool:
        """Try the access that is held off once more; true when it is over, for good or ill."""
        if self._pending is None:
            return True
        port, register, value = self._pending
        self._pending = None
        if self._pending_event is not None:
            self._pending_event.cancel()
            self._pending_event = None
        try:
            if value is None:
                self._result = port.read(register)
            else:
                port.write(register, value)
        except BusWait as wait:
            self._hold(port, register, value, wait)
            return False
        except BusError:
            self._sticky |= dp.STICKYERR
        return True

    def _drop_pending(self) -> None:
        if self._pending is not None:
            self._pending[0].abort()
        self._pending = None
        if self._pending_event is not None:
            self._pending_event.cancel()
            self._pending_event = None
        self._sticky |= dp.STICKYERR

    def _pushed(self, port: AccessPort, register: int, value: int, mode: int) -> None:
        """Pushed verify and pushed compare: the write becomes a read that is compared in the enabled byte lanes."""
        lanes = self._control >> dp.MASKLANE_SHIFT & 0xF
        mask = sum(0xFF << 8 * lane for lane in range(4) if lanes >> lane & 1)
        try:
            equal = (port.read(register) ^ value) & mask == 0
        except BusWait:
            # Compares of slow memory are not worth a second kind of pending access: report it as an error.
            self._sticky |= dp.STICKYERR
            return
        except BusError:
            self._sticky |= dp.STICKYERR
            return
        if (mode == _TRNMODE_COMPARE and equal) or (mode == _TRNMODE_VERIFY and not equal):
            self._sticky |= dp.STICKYCMP

    # --- refusals -----------------------------------------------------------------------------------------------------

    def _blocked(self) -> int:
        """0, or the refusal that a DP access other than DPIDR, CTRL/STAT read and ABORT gets now."""
        if self._pending is not None and not self._sticky and not self._retry():
            return ACK_WAIT
        return ACK_FAULT if self._sticky else 0

    def _refuse(self, ack: int, *, is_read: bool = False) -> int:
        """`is_read`: of an AP or RDBUFF, which is what READOK tells of."""
        if ack == ACK_WAIT:
            self._counters.waits += 1
        else:
            self._counters.faults += 1
        if is_read:
            self._read_ok = 0
        if self.overrun_detect:
            self._sticky |= dp.STICKYORUN
        return ack

    # --- registers ----------------------------------------------------------------------------------------------------

    def _read_banked(self) -> int:
        if self._dp_bank == dp.BANK_CTRL_STAT:
            return self._control | self._sticky | self._read_ok | self._power_acks()
        if self._dp_bank == dp.BANK_DLCR:
            return self._dlcr
        if self._dp_bank == dp.BANK_TARGETID:
            return self._config.shown_target_id
        if self._dp_bank == dp.BANK_DLPIDR:
            return dp.DLPIDR_VALUE
        return 0

    def _power_acks(self) -> int:
        if self._clock.now_ns < self._power_ack_ns:
            return 0
        return (self._control & (dp.CDBGPWRUPREQ | dp.CSYSPWRUPREQ)) << 1

    def _write_banked(self, value: int) -> None:
        if self._dp_bank == dp.BANK_CTRL_STAT:
            requests = dp.CDBGPWRUPREQ | dp.CSYSPWRUPREQ
            if (value ^ self._control) & requests & value:
                self._power_ack_ns = self._clock.now_ns + self._config.power_up_ack_us * 1000
            self._control = value & dp.CTRL_WRITABLE
            self._ready = False
            self.overrun_detect = bool(value & dp.ORUNDETECT)
        elif self._dp_bank == dp.BANK_DLCR:
            turnround = value >> dp.DLCR_TURNROUND_SHIFT & 3
            self._dlcr = dp.DLCR_RESET | turnround << dp.DLCR_TURNROUND_SHIFT
            self.turnaround_cycles = turnround + 1

    def _write_select(self, value: int) -> None:
        self._ap = self._access_ports.get(value >> 24)
        self._ap_bank = value & 0xF0
        self._dp_bank = value & 0xF

    def _abort(self, value: int) -> None:
        if value & dp.DAPABORT and self._pending is not None:
            self._drop_pending()
        if value & dp.STKCMPCLR:
            self._sticky &= ~dp.STICKYCMP
        if value & dp.STKERRCLR:
            self._sticky &= ~dp.STICKYERR
        if value & dp.WDERRCLR:
            self._sticky &= ~dp.WDATAERR
        if value & dp.ORUNERRCLR:
            self._sticky &= ~dp.STICKYORUN
