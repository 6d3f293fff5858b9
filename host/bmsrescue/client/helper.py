"""A helper as an object: the link's methods by name, with types and the time each may take.

The methods are those of docs/protocol.md; what they raise is the agent's own (`rescuelink.errors`), and LinkError.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypedDict

from bmsrescue.client.session import SLOW_S, Session
from rescuelink.errors import LinkError, PowerError, RescueError, TargetError

CONSENT_VERB = "erase"


class Rail(TypedDict):
    """One rail over a window, in mV."""

    mv: int
    min_mv: int
    max_mv: int


class RailsNow(TypedDict):
    """All rails at once in mV, and the supply's current in mA where it is measured."""

    rails: dict[str, int]
    ma: int | None


class PowerUp(TypedDict):
    """How a power-on went: the quiet window, and what cut it."""

    rails: dict[str, Rail]
    trip: dict[str, Any] | None
    ma: int | None


class FlashInfo(TypedDict):
    """The chip's identity and its sectors as [index, address, size]."""

    chip: dict[str, Any]
    sectors: list[tuple[int, int, int]]
    word_bytes: int


class Helper:
    """`session`: an open helper. Everything here is one call, or a few that belong together."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.late_error: RescueError | None = None  # of the power-off behind work that was done: the work counts

    # -- supply --------------------------------------------------------------------------------------------------------

    def rails(self) -> RailsNow:
        found: RailsNow = self.session.call("rails.read")
        return found

    def power_on(self) -> PowerUp:
        """Energise within limits. Raises PowerError with the kind of the trip when it was cut."""
        found: PowerUp = self.session.call("power.on", timeout_s=SLOW_S)
        if found["trip"]:
            trip = found["trip"]
            raise PowerError(
                str(trip["kind"]),
                f"the power was cut after {trip['ms']} ms: {trip['rail']} at {trip['mv']} mV (limit {trip['limit']})",
                next_step="do not try again: run `bmsrescue diagnose`",
            )
        return found

    def power_off(self) -> dict[str, Rail]:
        """Off, and proven: the rails' discharge. Raises PowerError (no_discharge)."""
        found: dict[str, Rail] = self.session.call("power.off", timeout_s=SLOW_S)["rails"]
        return found

    def power_status(self) -> dict[str, Any]:
        """{"on", "trip", "cycles", "ma"}."""
        found: dict[str, Any] = self.session.call("power.status")
        return found

    # -- the chip ------------------------------------------------------------------------------------------------------

    @contextmanager
    def chip(self) -> Iterator["Helper"]:
        """With the unit powered and the chip connected.

        Power that was not there before is taken away afterwards. On a unit that somebody has powered through a lasting
        session the connection stays, so that a halted core stays halted until `target.disconnect`.
        """
        powered = self.power_status()["on"]
        connected = powered and self._is_connected()
        if not powered:
            self.power_on()
        try:
            if not connected:
                self.session.call("target.connect", timeout_s=SLOW_S)
            try:
                yield self
            finally:
                if not powered:
                    self.session.call("target.disconnect")
        except BaseException:
            if not powered:
                with suppress(RescueError):  # what went wrong first is what counts
                    self.power_off()
            raise
        if not powered:
            try:
                self.power_off()
            except PowerError as error:
                self.late_error = error

    def _is_connected(self) -> bool:
        try:
            self.session.call("core.state")
        except TargetError as error:
            if error.kind == "not_connected":
                return False
            raise
        return True

    def flash_info(self) -> FlashInfo:
        found: FlashInfo = self.session.call("flash.info")
        return found

    def flash_sha256(self, address: int, length: int) -> bytes | None:
        """SHA-256 by the target's own core, of any range; None when it cannot say."""
        try:
            found = self.session.call("flash.sha256", address, length, timeout_s=SLOW_S)
        except LinkError as error:
            if error.kind != "unknown_method":
                raise
            return None  # an agent from before
        return None if found is None else bytes(found)

    def flash_window(self, address: int, length: int) -> tuple[bytes, list[int]]:
        """At most 2 KiB (`WINDOW_BYTES`), and the addresses of its torn flash words, which read as 0xFF."""
        found = self.session.call("flash.read", address, length)
        return bytes(found["data"]), list(found["torn"])

    def read_memory(self, address: int, length: int) -> bytes:
        """At most 2 KiB (`WINDOW_BYTES`) of whole words."""
        return bytes(self.session.call("memory.read", address, length))

    def write_memory(self, address: int, data: bytes) -> None:
        """At most 2 KiB (`WINDOW_BYTES`) of whole words of RAM or registers."""
        self.session.call("memory.write", address, data)


def consent_words(sectors: list[int]) -> str:
    """What an operator says to allow the loss of `sectors`: "erase sectors 0,1"."""
    return f"{CONSENT_VERB} sectors {','.join(str(sector) for sector in sectors)}"
