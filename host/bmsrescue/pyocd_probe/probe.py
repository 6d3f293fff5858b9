"""The pyOCD debug probe over a `Link`. Method names and contracts are pyOCD's (`pyocd.probe.debug_probe`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe

from bmsrescue.pyocd_probe.links import Link, is_helper, known_helpers, open_link, parse
from bmsrescue.twin.helper.wired_unit import DebugWire
from rescuelink.errors import RescueError, WireError

_DP, _AP = 0, 1
_A32 = 0xC
_IDLE_CYCLES = 8  # pyOCD may wait after a write, and the debug port needs these to complete it
_RESET_HOLD_US = 100_000
_RESET_RELEASED_US = 10_000
_T = TypeVar("_T")
_NRESET = DebugProbe.ProtocolPin.nRESET

_WIRE_ERRORS: dict[str, type[exceptions.TransferError]] = {
    "fault": exceptions.TransferFaultError,
    "wait": exceptions.TransferTimeoutError,
}


class RescueProbe(DebugProbe):  # type: ignore[misc]  # pyOCD ships no types
    """One helper, one twin, or one chip behind remote_bitbang."""

    @classmethod
    def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> Sequence[DebugProbe]:
        """The helpers on USB; a twin for each scenario only when asked for by name: somebody's real probe must not
        have to be told apart from them."""
        if not is_explicit:
            return [cls(name, what) for name, what in known_helpers().items()]
        from bmsrescue.twin.scenarios import all_scenarios

        return [cls(f"twin:{scenario.name}") for scenario in all_scenarios()]

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> DebugProbe | None:
        """With "bmsrescue:" in front anything that is ours; without it a helper by its name or its port."""
        if (is_explicit and parse(unique_id)) or is_helper(unique_id):
            return cls(unique_id)
        return None

    def __init__(self, unique_id: str, product: str = "") -> None:
        super().__init__()
        self._unique_id = unique_id
        self._product = product or ("virtual debug connector" if parse(unique_id) else "helper")
        self._link: Link | None = None
        self._protocol: DebugProbe.Protocol | None = None

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def vendor_name(self) -> str:
        return "bmsrescue"

    @property
    def product_name(self) -> str:
        return self._product

    @property
    def unique_id(self) -> str:
        return self._unique_id

    @property
    def supported_wire_protocols(self) -> Collection[DebugProbe.Protocol]:
        return [DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD]

    @property
    def wire_protocol(self) -> DebugProbe.Protocol | None:
        return self._protocol

    @property
    def capabilities(self) -> set[DebugProbe.Capability]:
        known = DebugProbe.Capability
        return {known.SWJ_SEQUENCE, known.SWD_SEQUENCE, known.PIN_ACCESS, known.BANKED_DP_REGISTERS}

    @property
    def link(self) -> Link:
        """What it is plugged into.

        Raises:
            ProbeError: it is not open.
        """
        if self._link is None:
            raise exceptions.ProbeError(f"{self.unique_id} is not open")
        return self._link

    @property
    def _wire(self) -> DebugWire:
        return self.link.wire

    # --- opening and connecting ---------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._link is not None

    def open(self) -> None:
        try:
            self._link = open_link(self._unique_id)
        except (LookupError, RescueError) as error:
            raise exceptions.ProbeError(str(error)) from error

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def connect(self, protocol: DebugProbe.Protocol | None = None) -> None:
        if protocol not in (None, *self.supported_wire_protocols):
            raise exceptions.ProbeError("this connector has SWD only")
        with self._translated():
            self._wire.engage()
        self._protocol = DebugProbe.Protocol.SWD

    def disconnect(self) -> None:
        with self._translated():
            self._wire.release()
        self._protocol = None

    def set_clock(self, frequency: float) -> None:
        with self._translated():
            self._wire.set_frequency(int(frequency))

    # --- raw bits -----------------------------------------------------------------------------------------------------

    def swj_sequence(self, length: int, bits: int) -> None:
        with self._translated():
            self.link.clock_out(bits, length)

    def swd_sequence(self, sequences: Sequence[tuple[int] | tuple[int, int]]) -> tuple[int, Sequence[bytes]]:
        answers: list[bytes] = []
        with self._translated():
            for sequence in sequences:
                if len(sequence) == 1:
                    count = sequence[0]
                    answers.append(self.link.clock_in(count).to_bytes((count + 7) // 8, "little"))
                else:
                    self.link.clock_out(sequence[1], sequence[0])
        return 0, answers

    # --- reset and pins -----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        self.assert_reset(True)
        self.link.wait_us(_RESET_HOLD_US)
        self.assert_reset(False)

    def assert_reset(self, asserted: bool) -> None:
        with self._translated():
            self.link.set_nrst(asserted)
            # The pull-up has to load the reset net's capacitor before anything can start.
            self.link.wait_us(_RESET_RELEASED_US)

    def is_reset_asserted(self) -> bool:
        with self._translated():
            return not self.link.nrst_level

    def get_accessible_pins(self, group: DebugProbe.PinGroup) -> tuple[int, int]:
        if group is DebugProbe.PinGroup.PROTOCOL_PINS:
            return _NRESET, _NRESET
        return 0, 0

    def read_pins(self, group: DebugProbe.PinGroup, mask: int) -> int:
        if group is not DebugProbe.PinGroup.PROTOCOL_PINS or not mask & _NRESET:
            return 0
        return 0 if self.is_reset_asserted() else int(_NRESET)

    def write_pins(self, group: DebugProbe.PinGroup, mask: int, value: int) -> None:
        if group is DebugProbe.PinGroup.PROTOCOL_PINS and mask & _NRESET:
            self.assert_reset(not value & _NRESET)

    # --- transfers ----------------------------------------------------------------------------------------------------

    def read_dp(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        return self._answer(lambda: self._wire.read(_DP, addr & _A32), now)

    def write_dp(self, addr: int, data: int) -> None:
        with self._translated():
            self._wire.write(_DP, addr & _A32, data & 0xFFFFFFFF)

    def read_ap(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        return self._answer(lambda: self._wire.read(_AP, addr & _A32), now)

    def write_ap(self, addr: int, data: int) -> None:
        with self._translated():
            self._wire.write(_AP, addr & _A32, data & 0xFFFFFFFF)
            self._wire.idle(_IDLE_CYCLES)

    def read_ap_multiple(
        self, addr: int, count: int = 1, now: bool = True
    ) -> Sequence[int] | Callable[[], Sequence[int]]:
        def block() -> Sequence[int]:
            words = bytearray(4 * count)
            self._wire.read_block(_AP, addr & _A32, words)
            return [int.from_bytes(words[at : at + 4], "little") for at in range(0, len(words), 4)]

        return self._answer(block, now)

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        words = b"".join((value & 0xFFFFFFFF).to_bytes(4, "little") for value in values)
        with self._translated():
            self._wire.write_block(_AP, addr & _A32, words)

    def flush(self) -> None:
        with self._translated():
            self.link.flush()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _answer(self, transfer: Callable[[], _T], now: bool) -> _T | Callable[[], _T]:
        """Make the transfer; with `now` False its value or its error is handed over when pyOCD comes for it."""
        failure: exceptions.Error | None = None
        value: _T | None = None
        try:
            with self._translated():
                value = transfer()
        except exceptions.Error as error:
            failure = error

        def fetch() -> _T:
            if failure is not None:
                raise failure
            return value  # type: ignore[return-value]

        self.link.answered()
        return fetch() if now else fetch

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """One pyOCD thread at a time, and our errors as pyOCD's."""
        with self._lock:
            try:
                yield
            except WireError as error:
                _raise_transfer_error(error)
            except RescueError as error:
                raise exceptions.ProbeDisconnected(str(error)) from error


def _raise_transfer_error(error: WireError) -> NoReturn:
    kind = _WIRE_ERRORS.get(error.kind, exceptions.TransferProtocolError)
    raise kind(str(error)) from error
