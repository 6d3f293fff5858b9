"""The bench by its control port: supply, BOOT0 and NRST of a simulated unit, twin or foreign (see `control`)."""

from __future__ import annotations

import json

from bmsrescue.twin.servers.client_socket import ClientSocket, ServerLinkError

_MAX_ANSWER_BYTES = 1 << 20


class ControlClient:
    """One command at a time; each returns the server's answer.

    Raises:
        ServerLinkError: also from every command; "refused" when the server answers with an error.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float = 30.0) -> None:
        self._socket = ClientSocket(host, port, timeout_s=timeout_s, purpose="control port")

    def close(self) -> None:
        self._socket.close()

    def command(self, line: str) -> dict[str, object]:
        """Send one line, return the JSON object it is answered with."""
        text = self._socket.ask_line(line.encode("ascii"), _MAX_ANSWER_BYTES)
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise self._senseless(line) from error
        if not isinstance(answer, dict):
            raise self._senseless(line)
        if "error" in answer:
            raise ServerLinkError("refused", f"the control port refused '{line}': {answer['error']}")
        return answer

    def power(self, on: bool) -> None:
        self.command(f"power {int(on)}")

    def boot0(self, high: bool) -> None:
        self.command(f"boot0 {int(high)}")

    def nrst(self, level: bool) -> None:
        """False pulls NRST low, True lets go of it."""
        self.command(f"nrst {int(level)}")

    def advance(self, duration_ms: int) -> None:
        """Let the unit's time pass (the twin's own server only)."""
        self.command(f"advance {duration_ms}")

    def status(self) -> dict[str, object]:
        return self.command("status")

    def stats(self) -> dict[str, object]:
        return self.command("stats")

    @staticmethod
    def _senseless(line: str) -> ServerLinkError:
        return ServerLinkError(
            "protocol",
            f"the control port's answer to '{line}' is no JSON object",
            next_step="check that the port is a control port, not the bitbang port",
        )
