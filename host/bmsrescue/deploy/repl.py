"""The board's raw REPL, by mpremote: run a piece of Python there and get what it printed.

mpremote is meant to be used as a library one day and says that this part will still change; everything of it that is
used is in this file.
"""

import ast
import contextlib
import io
import re
import struct
from types import TracebackType
from typing import Any, Self

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from rescuelink.errors import LinkError

_READ_S = 5  # a read in the middle of an exchange; also what mpremote would wait for without end
_ENTER_S = 4
_TRIES = 3  # the prompt may come late: the agent makes the unit safe before it leaves
_ENOSPC = 28

AGAIN = "reset the helper, and run the same command again: it goes on where it stopped"
MAKE_ROOM = "delete files of yours on it: mpremote fs rm"

_TRANSPORT_FAULTS = (TransportError, serial.SerialException, OSError, struct.error, UnicodeDecodeError)


class Repl:
    """The interpreter's prompt on `url`; whatever ran there is interrupted. Use as a context manager.

    Raises:
        LinkError: kinds "port" (cannot be opened), "no_micropython" (nothing answers as one).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._transport = SerialTransport(url, timeout=_READ_S)
            self._transport.serial.write_timeout = _READ_S
        except _TRANSPORT_FAULTS as error:
            raise LinkError(
                "port",
                f"cannot open {url}: {error}",
                next_step="check the cable, and that no other program has the port",
            ) from error
        try:
            self.enter()
        except LinkError:
            self.close()
            raise

    def enter(self) -> None:
        """Interrupt what runs, and get the raw prompt. Raises LinkError (no_micropython)."""
        for _ in range(_TRIES):
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it got instead
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_ENTER_S)
                return
            except _TRANSPORT_FAULTS:
                continue
        raise LinkError(
            "no_micropython",
            f"no MicroPython answers on {self.url}",
            next_step="put MicroPython on the board first (micropython.org/download), or reset it and try again",
        )

    def run(self, code: str, **values: object) -> str:
        """What `code` printed on the board, where each of `values` was set before.

        Raises:
            LinkError: kinds "no_space" (a write found the file system full), "board" (it failed there otherwise),
                "lost" (no answer).
        """
        code = "".join(f"{name} = {value!r}\n" for name, value in values.items()) + code
        try:
            printed: bytes = self._transport.exec(code)
            return printed.decode().replace("\r\n", "\n")
        except TransportExecError as error:
            raise _on_the_board(error.error_output) from error
        except _TRANSPORT_FAULTS as error:
            raise LinkError("lost", f"{self.url} stopped answering: {error}", next_step=AGAIN) from error

    def value(self, code: str, **values: object) -> Any:
        """The Python literal that `code` printed."""
        printed = self.run(code, **values)
        try:
            return ast.literal_eval(printed.strip())
        except (SyntaxError, ValueError) as error:
            raise LinkError("board", f"{self.url} answered {printed[:60]!r}", next_step=AGAIN) from error

    def restart(self) -> None:
        """Soft reset: main.py runs. The prompt is gone; close the port."""
        try:
            self._transport.exit_raw_repl()
            self._transport.serial.write(b"\x04")
            self._transport.serial.flush()
        except _TRANSPORT_FAULTS as error:
            raise LinkError("lost", f"{self.url} did not restart: {error}", next_step="reset the board") from error

    def close(self) -> None:
        """Let go of the port; the board stays as it is."""
        with contextlib.suppress(*_TRANSPORT_FAULTS):  # it may have been pulled
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _on_the_board(trace: str) -> LinkError:
    last = (trace.strip().splitlines() or ["nothing was said"])[-1].strip()
    if re.match(rf"OSError: (\[Errno {_ENOSPC}\]|{_ENOSPC}$)", last):
        return LinkError("no_space", "the helper's file system is full", next_step=MAKE_ROOM)
    return LinkError("board", f"the board could not do it: {last}", next_step=AGAIN)
