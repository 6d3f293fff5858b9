"""A helper on USB as the hands of the engine on this computer: for one that has no card of its own.

The engine, the card (a folder) and the journal are here; the helper moves wires and rails, within its own limits, by
the link's methods (docs/protocol.md). When this process dies the helper makes the unit safe, as after any host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from bmsrescue.agent.files import make_importable
from bmsrescue.client.choose import open_session
from bmsrescue.client.helper import Helper
from bmsrescue.client.session import SLOW_S, Session
from bmsrescue.probe.facts import Remark
from bmsrescue.probe.ports import Clock, Folder, FolderCard, HostClock, NoPanel
from bmsrescue.pyocd_probe.helper_link import HelperWire
from rescuelink.errors import PowerError, RescueError, TargetError, WireError

KIND = "helper"
_HOLD_S = 5.0  # how long others wait for the helper when this process is killed in the middle
_HERE = ("unit_button", "pulls", "display", "leds", "buzzer", "button")  # the engine has no way to these from here
_AP = 1
_SELECT, _DRW = 0x8, 0xC
_SEEN = ("bplus", "v12", "v5iso", "v3v3", "vcap")
_WORDS = {"power": "the unit's power", "nrst": "NRST", "boot0": "BOOT0", "unit_button": "the unit's button"}


class EngineWire(HelperWire):
    """The agent's `Wire`. What only prepares an access waits and goes out with it; everything else is answered at once,
    so that an error is told on the transfer that has it."""

    def __init__(self, session: Session, switched: bool) -> None:
        super().__init__(session)
        self._switched = switched
        self._bank = 0

    def engage(self) -> None:
        # Without a switch power.on only looks: whether the chip has its supply, before a line is driven.
        if not self._switched and not self.call("power.status")["on"]:
            self.call("power.on")
        super().engage()

    def read(self, ap: int, a32: int) -> int:
        with _own_errors():
            return super().read(ap, a32)

    def write(self, ap: int, a32: int, value: int) -> None:
        with _own_errors():
            super().write(ap, a32, value)
            if ap != _AP:
                if a32 == _SELECT:
                    self._bank = value >> 4 & 0xF
                else:
                    self.flush()
            elif self._bank or a32 == _DRW:
                self.flush()

    def read_block(self, ap: int, a32: int, buf: Any) -> None:
        with _own_errors():
            super().read_block(ap, a32, buf)

    def write_block(self, ap: int, a32: int, buf: Any) -> None:
        with _own_errors():
            super().write_block(ap, a32, bytes(buf))
            self.flush()

    def release(self) -> None:
        self._batch.clear()
        with suppress(RescueError):
            super().release()


@contextmanager
def _own_errors() -> Iterator[None]:
    """The link counts entries of a batch; how many words of a block are through nobody says."""
    try:
        yield
    except WireError as error:
        error.done = 0
        raise


class HelperLines:
    """The `Lines` port. The supply is switched by the helper's own power-on, which watches every rail of its own."""

    def __init__(self, session: Session, missing: tuple[str, ...]) -> None:
        self._session = session
        self._helper = Helper(session)
        self._missing = missing
        self._on = False
        self._edges = 0

    def power(self, on: bool) -> None:
        if "power" in self._missing or on == self._on:
            return
        self._on = on
        if on:
            self._helper.power_on()
            return
        with suppress(PowerError):  # rails that do not fall: the engine sees that for itself
            self._helper.power_off()

    def nrst(self, low: bool) -> None:
        if "nrst" not in self._missing:
            self._session.call("lines.nrst", low)

    def nrst_level(self) -> bool:
        seen = self._session.call("lines.level")
        self._edges += int(seen["edges"])
        return bool(seen["nrst"])

    def nrst_edges(self) -> int:
        self.nrst_level()
        edges, self._edges = self._edges, 0
        return edges

    def boot0(self, level: bool | None) -> None:
        if "boot0" not in self._missing:
            self._session.call("lines.boot0", level)

    def unit_button(self, pressed: bool) -> None:
        """The link presses it for a time and answers afterwards: no way for an engine that works meanwhile."""

    def release_all(self) -> None:
        self._on = False
        with suppress(RescueError):  # the helper has gone: it makes the unit safe by itself
            self._session.call("power.off", timeout_s=SLOW_S)


class HelperRails:
    """The `Rails` port: what the helper's own rails read."""

    spans: dict[str, int] = {}  # noqa: RUF012 - the port's: zero and calibration are the helper's own

    def __init__(self, session: Session) -> None:
        self._session = session
        self.names = tuple(self._session.call("rails.read")["rails"])

    def read_mv(self, name: str, quick: bool = False) -> int:
        return int(self._session.call("rails.read")["rails"][name])

    def capture(self, window_ms: int, period_ms: int) -> dict[str, tuple[int, int, int]]:
        found = self._session.call("rails.capture", window_ms, period_ms, timeout_s=SLOW_S)
        return {name: (int(low), int(mean), int(high)) for name, (low, mean, high) in found.items()}

    def current_ma(self) -> int | None:
        ma = self._session.call("rails.read")["ma"]
        return None if ma is None else int(ma)

    def grounded(self) -> int | None:
        return None

    def set_zero(self, raw: int) -> None:
        """The helper has taken its own off."""

    def arm_trip(self, ma: int | None) -> None:
        """The helper arms its own when it switches on."""


class OpenHelper:
    """A helper that is open as the engine's hands, and what it cannot; as bmsrescue.probe.open.OpenProbe.

    Raises:
        LinkError, UsageError: no helper, several, or one that somebody else works with.
        TargetError: it runs signed jobs only.
    """

    kind = KIND

    def __init__(self, wanted: str | None) -> None:
        self._session = open_session(wanted)
        self._alone = self._session.alone(_HOLD_S)
        self._alone.__enter__()
        about = self._session.about
        if about.get("jobs") == "signed":
            self.close()
            raise TargetError(
                "signed_only",
                "this helper runs signed jobs only, and one from this computer would pass that by",
                next_step="use a helper for development",
            )
        self.name = f"helper {self._session.name}"
        self.firmware = f"agent {about.get('agent', 'of unknown version')}"
        self.remarks: list[Remark] = []
        self.missing = tuple(sorted((set(about.get("missing", ())) - {"card"}) | set(_HERE)))
        self.helper_id = about.get("helper_id")
        self.rails = HelperRails(self._session)

    def cannot(self) -> list[str]:
        """What nothing can be said of, or done, with this helper from here."""
        parts = [_WORDS[name] for name in _WORDS if name in self.missing]
        return parts + [name for name in _SEEN if name not in self.rails.names]

    def ports(self, card: Path, store: Path, clock: Clock | None = None) -> Any:
        """The agent's bundle of ports, in the safe state."""
        make_importable()
        return import_module("rescue.hal.ports").Ports(
            clock=clock or HostClock(),
            wire=EngineWire(self._session, "power" not in self.missing),
            lines=HelperLines(self._session, self.missing),
            rails=self.rails,
            card=FolderCard(card),
            store=Folder(store),
            panel=NoPanel(),
            helper_id=self.helper_id,
            missing=self.missing,
        )

    def close(self) -> None:
        try:
            self._alone.__exit__(None, None, None)
        finally:
            self._session.close()


def wanted_helper(which: str | None) -> Callable[[], OpenHelper] | None:
    """What opens it where --probe says "helper" or "helper:NAME"; None where it says something else."""
    kind, _, name = (which or "").partition(":")
    if kind != KIND:
        return None
    return lambda: OpenHelper(name or None)
