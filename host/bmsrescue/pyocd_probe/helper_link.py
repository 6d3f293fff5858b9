"""A real helper, or a twin behind a serial port, as pyOCD's probe: transfers are collected and sent in one frame."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import Any

from bmsrescue.client.choose import open_session
from bmsrescue.client.helper import Helper
from bmsrescue.client.session import Session
from bmsrescue.errors import UsageError
from rescuelink.errors import LinkError, PowerError, RescueError
from rescuelink.rpc import WINDOW_BYTES

_HOLD_S = 5.0  # how long others wait for the helper when the debugger is killed
_BATCH = 24  # entries: with a window of data they fit in one frame
_VTREF_LOW_MV = 3000
_SAMPLED_BITS = 24
_DRIVEN_BITS = 256


class HelperWire:
    """`DebugWire` over the link. Writes wait for the next read, for `flush` or a full batch; so may their errors."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._batch: list[list[Any]] = []
        self._batch_bytes = 0
        self.frequency_hz = 0
        self.frames = 0  # requests so far
        self.resends = 0  # what the helper asks for again it does not tell here

    def call(self, method: str, *params: Any) -> Any:
        """One request, after what is waiting."""
        self.flush()
        return self._call(method, *params)

    def _call(self, method: str, *params: Any) -> Any:
        self.frames += 1
        return self._session.call(method, *params)

    @property
    def cycles(self) -> int:
        return int(self.call("target.cycles"))

    def set_frequency(self, hz: int) -> None:
        self.frequency_hz = self.call("target.clock", hz)

    def engage(self) -> None:
        self.call("target.raw")

    def release(self) -> None:
        self.call("target.disconnect")

    def line_reset(self) -> None:
        self.call("target.sequence", "line-reset")

    def jtag_to_swd(self) -> None:
        self.call("target.sequence", "jtag-to-swd")

    def dormant_to_swd(self) -> None:
        self.call("target.sequence", "dormant-to-swd")

    def read(self, ap: int, a32: int) -> int:
        self._add([ap, a32], 0)
        return int(self.flush()[-1])

    def write(self, ap: int, a32: int, value: int) -> None:
        self._add([ap, a32, value], 0)

    def read_block(self, ap: int, a32: int, buf: bytearray) -> None:
        for at in range(0, len(buf), WINDOW_BYTES):
            words = min(len(buf) - at, WINDOW_BYTES) // 4
            self._add([ap, a32, None, words], 0)
            buf[at : at + 4 * words] = self.flush()[-1]

    def write_block(self, ap: int, a32: int, buf: bytes) -> None:
        for at in range(0, len(buf), WINDOW_BYTES):
            piece = buf[at : at + WINDOW_BYTES]
            self._add([ap, a32, piece], len(piece))

    def idle(self, _cycles: int) -> None:
        """A batch that ends with a write is followed by idle clocks."""

    def bits_out(self, value: int, count: int) -> None:
        entries = []
        while count > 0:
            piece = min(count, _DRIVEN_BITS)
            entries.append([piece, (value & (1 << piece) - 1).to_bytes((piece + 7) // 8, "little")])
            value >>= piece
            count -= piece
        self.call("target.bits", entries)

    def bits_in(self, count: int) -> int:
        counts = [_SAMPLED_BITS] * (count // _SAMPLED_BITS) + ([count % _SAMPLED_BITS] if count % _SAMPLED_BITS else [])
        value = 0
        for index, samples in enumerate(self.call("target.bits", [[piece] for piece in counts])):
            value |= samples << index * _SAMPLED_BITS
        return value

    def flush(self) -> list[Any]:
        """Send what is waiting; returns what it read."""
        if not self._batch:
            return []
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        values: list[Any] = self._call("target.transfer", batch)
        return values

    def _add(self, entry: list[Any], size: int) -> None:
        if len(self._batch) == _BATCH or self._batch_bytes + size > WINDOW_BYTES:
            self.flush()
        self._batch.append(entry)
        self._batch_bytes += size


class HelperLink:
    """The unit behind a helper, switched on within the helper's limits, and off again when closed if it was off before.

    `wanted` is a helper's name or its port's URL. With a daemon the helper is reached through it, and other clients are
    told "busy" meanwhile.

    Raises:
        LinkError: nobody there, or somebody else uses it.
        PowerError: the unit's rails do not come up as they should.
    """

    def __init__(self, wanted: str) -> None:
        with ExitStack() as stack:
            try:
                session = stack.enter_context(open_session(wanted))
            except UsageError as error:
                raise LinkError("no_helper", error.message, next_step=error.next_step) from error
            stack.enter_context(session.alone(_HOLD_S))
            self.wire = HelperWire(session)
            self._helper = Helper(session)
            if not self._helper.power_status()["on"]:
                stack.callback(self._switch_off)
                self._helper.power_on()
            vtref_mv = self._helper.rails()["rails"].get("v3v3")  # of a helper that has a wire to it
            if vtref_mv is not None and vtref_mv < _VTREF_LOW_MV:
                raise PowerError("no_vtref", f"the unit's 3.3 V rail reads {vtref_mv} mV")
            self._open = stack.pop_all()

    def clock_out(self, value: int, count: int) -> None:
        self.wire.bits_out(value, count)

    def clock_in(self, count: int) -> int:
        return self.wire.bits_in(count)

    def set_nrst(self, low: bool) -> None:
        self.wire.call("lines.nrst", bool(low))  # pyOCD passes numbers, too

    @property
    def nrst_level(self) -> bool:
        return bool(self.wire.call("lines.level")["nrst"])

    def wait_us(self, duration_us: int) -> None:
        self.wire.flush()
        time.sleep(duration_us / 1e6)

    def answered(self) -> None:
        """Time passes by itself."""

    def flush(self) -> None:
        self.wire.flush()

    def close(self) -> None:
        """Let go of the wire and of the helper."""
        self._open.close()

    def _switch_off(self) -> None:
        with suppress(RescueError):  # the helper has gone: it makes the unit safe by itself
            self._helper.power_off()
