"""The board's raw REPL, by mpremote: run a piece of Python there and get what it printed.

mpremote is meant to be used as a library one day and says that this part will still change; everything of it that is
used is in this file.
"""

import ast
import contextlib
import io
import re
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from bmsrescue.link.port_trouble import port_error
from rescuelink.errors import LinkError

PATIENCE_S = 10.0  # for what runs on the board without printing anything
_WINDOW_BYTES = 1024  # of a file at a time: it lies in the board's USB driver while the flash is written
_ASK = b"\x06"
_END = b"\x04"  # of what was printed, and of the traceback behind it
_ENTER_S = 4
_QUIET_S = 0.2
_LOOK_S = 0.01
_TRIES = 3  # the prompt may come late: the agent makes the unit safe before it leaves
_ENOSPC = 28

AGAIN = "reset the helper, and run the same command again: it goes on where it stopped"
MAKE_ROOM = "delete files of yours on it: mpremote fs rm"

_TRANSPORT_FAULTS = (TransportError, serial.SerialException, OSError, struct.error, UnicodeDecodeError)


class Repl:
    """The interpreter's prompt on `url`; whatever ran there is interrupted. Use as a context manager.

    `patience_s`: how long something may take on the board. A slow one, an emulated one above all, needs more.

    Raises:
        LinkError: kinds "port" (cannot be opened), "no_micropython" (nothing answers as one).
    """

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        self.url = url
        self._patience_s = patience_s
        self._enter_s = _ENTER_S * patience_s / PATIENCE_S
        try:
            self._transport = SerialTransport(url, timeout=patience_s)
            self._transport.serial.write_timeout = patience_s
        except _TRANSPORT_FAULTS as error:
            raise port_error(url, error) from error
        try:
            self.enter()
        except LinkError:
            self.close()
            raise

    def enter(self) -> None:
        """Interrupt what runs, and get the raw prompt. Raises LinkError (no_micropython)."""
        for again in range(_TRIES):
            try:
                if again:  # it may still wait for a window of a file from somebody who has gone
                    self._transport.serial.write(b"\r" * (_WINDOW_BYTES + len(_ASK)))
                self._quieten()
                with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it got instead
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=self._enter_s)
                return
            except _TRANSPORT_FAULTS:
                continue
        raise LinkError(
            "no_micropython",
            f"no MicroPython answers on {self.url}",
            next_step="put MicroPython on the board first (micropython.org/download), or reset it and try again",
        )

    def _quieten(self) -> None:
        """Interrupt, and read until nothing more comes: a prompt still chews on what was said to an agent before."""
        port = self._transport.serial
        port.write(b"\r\x03")
        quiet_s = _QUIET_S * self._patience_s / PATIENCE_S
        give_up = time.monotonic() + self._enter_s
        heard = time.monotonic()
        while heard + quiet_s > (now := time.monotonic()) and now < give_up:
            if port.inWaiting():
                port.read(port.inWaiting())
                heard = now
            time.sleep(_LOOK_S)

    def run(self, code: str, **values: object) -> str:
        """What `code` printed on the board, where each of `values` was set before.

        Raises:
            LinkError: kinds "no_space" (a write found the file system full), "board" (it failed there otherwise),
                "lost" (no answer).
        """
        with self._translated():
            self._transport.exec_raw_no_follow(_with_values(code, values))
            return self._end()

    def ready_to_send(self, receiver: str) -> None:
        """Before `send`: `receiver` defines the function that its code calls."""
        window, silence_ms = _WINDOW_BYTES, round(self._patience_s * 1000)
        self.run(receiver, WINDOW_BYTES=window, ASK=_ASK.decode(), SILENCE_MS=silence_ms)

    def send(self, data: bytes, code: str, **values: object) -> None:
        """Run `code`, which asks for `data` window by window. Raises LinkError as `run`."""
        with self._translated():
            self._transport.exec_raw_no_follow(_with_values(code, values))
            for at in range(0, len(data), _WINDOW_BYTES):
                asked: bytes = self._transport.serial.read(1)
                if asked == _END and (failure := self._failure()) is not None:
                    raise failure
                if asked != _ASK:
                    raise TransportError(f"it asked for a file's bytes by {asked!r}")
                self._transport.serial.write(data[at : at + _WINDOW_BYTES] + _ASK)
            self._end()

    def _end(self) -> str:
        """What was printed until the code's end."""
        printed: bytes = self._transport.read_until(1, _END, timeout=self._patience_s)
        if not printed.endswith(_END):
            raise TransportError("what runs there does not end")
        failure = self._failure()
        if failure is not None:
            raise failure
        return printed.removesuffix(_END).decode().replace("\r\n", "\n")

    def _failure(self) -> LinkError | None:
        """Behind what was printed comes the traceback, empty when there is none."""
        trace: bytes = self._transport.read_until(1, _END, timeout=self._patience_s)
        if not trace.endswith(_END):
            raise TransportError("what runs there does not end")
        return _on_the_board(trace.removesuffix(_END).decode()) if len(trace) > 1 else None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
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


def _with_values(code: str, values: dict[str, object]) -> str:
    return "".join(f"{name} = {value!r}\n" for name, value in values.items()) + code


def _on_the_board(trace: str) -> LinkError:
    last = (trace.strip().splitlines() or ["nothing was said"])[-1].strip()
    if re.match(rf"OSError: (\[Errno {_ENOSPC}\]|{_ENOSPC}$)", last):
        return LinkError("no_space", "the helper's file system is full", next_step=MAKE_ROOM)
    return LinkError("board", f"the board could not do it: {last}", next_step=AGAIN)
