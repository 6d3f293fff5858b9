"""A helper, as the host calls it: requests with answers, events as they come, a heartbeat while the session is open.

The stream is anything pyserial opens (`serial_for_url`): a USB CDC port, a pty, `socket://host:port`. Lost frames are
repeated with the same id, which the agent answers again without doing the work again.
"""

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack
import serial

from bmsrescue.errors import UsageError, from_dict
from bmsrescue.link.arrival import reader
from bmsrescue.link.event_parts import EventParts
from bmsrescue.link.frames import FrameReader, frame, notification
from bmsrescue.link.port_trouble import port_error
from bmsrescue.link.words import plain
from rescuelink import rpc
from rescuelink.codec import as_message
from rescuelink.errors import LinkError

EventHandler = Callable[[str, Any], None]

_RESEND_S = 0.5  # an answer that took longer may have been lost
_READ_S = 0.05  # how long the reader waits for the first byte, and then for the rest of a frame
_WRITE_S = 5.0
_TURN_S = 0.01  # how long another thread may read before one that waits looks again
_BUSY_PAUSE_S = 0.2
MALFORMED = "malformed"  # in place of an event that makes no sense
_ID_MASK = 0x3FFF_FFFF  # small integers on a 32-bit board
_ID_TRIES = 64
_MAX_PARKED_BYTES = 4 * 1024 * 1024  # no helper's flash has room for more
_LEAST_WINDOW_BYTES = 256  # of a parked result; fewer come at its end only
_DEPLOY = "put the agent on this helper again with `bmsrescue deploy`"
_PATIENCE_VARIABLE = "BMSRESCUE_PATIENCE"  # how many times as long as usual to wait: an emulated board is slow
_CTRL_C = 0x03  # before the session is open it ends the agent on a board whose port carries the prompt as well


def _patience() -> float:
    text = os.environ.get(_PATIENCE_VARIABLE, "1")
    try:
        return max(float(text), 1.0)
    except ValueError:
        raise UsageError(
            f"{_PATIENCE_VARIABLE} is no number: {text!r}", "Say how many times as long to wait."
        ) from None


class _Answer:
    """What comes to a request. Nobody sleeps on it, as on a `Future`: whoever waits reads the port, or looks again."""

    __slots__ = ("_error", "_result", "done")

    def __init__(self) -> None:
        self.done = False
        self._result: Any = None
        self._error: Exception | None = None

    def succeed(self, result: Any) -> None:
        self._result = result
        self.done = True

    def fail(self, error: Exception) -> None:
        self._error = error
        self.done = True

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result


class Started(NamedTuple):
    """A request that has been sent: end it with `finish` or `forget`."""

    number: int
    method: str
    request: bytes
    answer: _Answer


class LinkClient:
    """One open link. Thread-safe: calls from several threads are answered each to its own.

    Args:
        url: what `serial.serial_for_url` takes, e.g. "/dev/ttyACM0" or "socket://127.0.0.1:4000".
        on_event: called with (name, data) of each notification, from whatever thread reads the port just then; it must
            return soon and make no call.
        on_lost: called once, likewise, when the port has vanished.

    Raises:
        LinkError: kind "port" when the stream cannot be opened.
    """

    def __init__(
        self,
        url: str,
        on_event: EventHandler | None = None,
        on_lost: Callable[[LinkError], None] | None = None,
    ) -> None:
        self.url = url
        self._on_event = on_event
        self._on_lost = on_lost
        self._patience = _patience()
        write_s = _WRITE_S * self._patience
        try:
            self._port = serial.serial_for_url(url, timeout=_READ_S, write_timeout=write_s, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise port_error(url, error) from None
        self._read = reader(self._port, _READ_S, rpc.MAX_BODY_BYTES)
        self._frames = FrameReader()
        self._parts = EventParts()
        self._reading = threading.Lock()
        self._calls_made = 0  # turns at reading that calls have taken
        self._write_lock = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: dict[int, _Answer] = {}
        # Not from 0: the agent takes an id that it has just seen for the same request again.
        self._next_id = secrets.randbits(30)
        self._lost: LinkError | None = None
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._read_all, name=f"link {url}", daemon=True),
            threading.Thread(target=self._beat, name=f"heartbeat {url}", daemon=True),
        ]
        self._in_session = False
        for thread in self._threads:
            thread.start()

    @property
    def frames_damaged(self) -> int:
        """Frames from the agent that failed their check."""
        return self._frames.bad_frames

    def hello(self, client: str, timeout_s: float = 3.0) -> dict[str, Any]:
        """Open the session; returns what the agent says of itself.

        `client` names this program and must differ from every other's. Raises `LinkError` (version, timeout, busy: the
        helper is in use, also after having waited for a host that may have died).
        """
        deadline = time.monotonic() + timeout_s * self._patience
        while True:
            try:
                about = self._call("hello", (rpc.PROTOCOL_VERSION, client), timeout_s, avoid=_CTRL_C)
            except LinkError as error:
                if error.kind == "busy" and time.monotonic() < deadline:
                    time.sleep(_BUSY_PAUSE_S)
                    continue
                if error.kind == "timeout":
                    error.next_step = "put the agent on this helper with `bmsrescue deploy`, or reset the helper"
                raise
            if not isinstance(about, dict):
                raise LinkError("malformed", "the helper does not say what it is", next_step=_DEPLOY)
            self._in_session = True
            return about

    def call(self, method: str, *params: Any, timeout_s: float = 5.0) -> Any:
        """The result of `method`, however large. Raises the agent's own error, or `LinkError` (timeout, lost)."""
        result = self._call(method, params, timeout_s)
        if isinstance(result, dict) and result.keys() == {"parked"}:
            return self._parked(result["parked"], timeout_s)
        return result

    def _parked(self, size: Any, timeout_s: float) -> Any:
        """A result that waits in the helper's flash, window by window."""
        if type(size) is not int or not 0 < size <= _MAX_PARKED_BYTES:
            raise LinkError("malformed", "the helper parks a result of no possible size", next_step=_DEPLOY)
        data = bytearray()
        while len(data) < size:
            window = self._call("result", (len(data),), timeout_s)
            left = size - len(data)
            if not isinstance(window, bytes) or not min(left, _LEAST_WINDOW_BYTES) <= len(window) <= left:
                raise LinkError("malformed", "a parked result ends before its end", next_step=_DEPLOY)
            data += window
        try:
            return plain(json.loads(data))
        except (ValueError, RecursionError):
            raise LinkError("malformed", "a parked result is no JSON", next_step=_DEPLOY) from None

    def start(self, method: str, *params: Any, ahead: bytes = b"") -> Started:
        """Send a request, to be finished later; frames `ahead` of it go out in the same write. Raises LinkError (lost).

        Fewer than `rescuelink.rpc.REMEMBERED` at a time. The agent answers an older one's repetition with "repeated".
        """
        return self._start(method, params, ahead=ahead)

    def finish(self, call: Started, timeout_s: float = 5.0) -> Any:
        """The result of what was started. Raises as `call` does."""
        timeout_s *= self._patience
        deadline = time.monotonic() + timeout_s
        resend_s = _RESEND_S * self._patience
        try:
            while not self._wait_for(call.answer, min(deadline, time.monotonic() + resend_s)):
                if time.monotonic() >= deadline:
                    raise LinkError(
                        "timeout", f"no answer to {call.method} within {timeout_s:g} s", next_step="reset the helper"
                    )
                self._write(call.request)
            return call.answer.result()
        finally:
            self.forget(call)

    def forget(self, call: Started) -> None:
        """Nobody waits for its answer any longer."""
        with self._lock:
            self._waiting.pop(call.number, None)

    def _call(self, method: str, params: tuple[Any, ...], timeout_s: float, avoid: int | None = None) -> Any:
        return self.finish(self._start(method, params, avoid), timeout_s)

    def _start(self, method: str, params: tuple[Any, ...], avoid: int | None = None, ahead: bytes = b"") -> Started:
        call = self._prepare(method, params, avoid)
        try:
            self._write(ahead + call.request)
        except LinkError:
            self.forget(call)
            raise
        return call

    def _prepare(self, method: str, params: tuple[Any, ...], avoid: int | None = None) -> Started:
        """A request to be written, whose answer is waited for from now on."""
        answer = _Answer()
        with self._lock:
            if self._lost:
                raise self._lost
            for _ in range(_ID_TRIES):
                number = self._next_id = (self._next_id + 1) & _ID_MASK
                request = frame(msgpack.packb([rpc.REQUEST, number, method, list(params)]))
                if avoid is None or avoid not in request:
                    break
            self._waiting[number] = answer
        return Started(number, method, request, answer)

    def _wait_for(self, answer: _Answer, until: float) -> bool:
        """Whether the answer has come. Whoever waits reads the port for everybody: waking another thread costs more
        than the agent needs for an answer."""
        while not answer.done:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return False
            if self._reading.acquire(timeout=min(left_s, _TURN_S)):
                try:
                    self._calls_made += 1
                    if not answer.done:
                        self._read_some()
                finally:
                    self._reading.release()
        return True

    def notify(self, method: str, *params: Any) -> None:
        """Send what needs no answer."""
        self._write(notification(method, *params))

    def close(self) -> None:
        """End the session (the agent makes the unit safe) and let go of the port."""
        if self._closing.is_set():
            return
        if self._in_session and self._lost is None:
            with contextlib.suppress(LinkError):  # the port is gone: the agent finds out by itself
                self.notify("bye")
        self._closing.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(2.0)
        self._port.close()

    def __enter__(self) -> "LinkClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        if self._lost:
            raise self._lost
        try:
            with self._write_lock:
                self._port.write(data)
        except (serial.SerialException, OSError) as error:
            self._lose(error)
            raise self._gone(error) from None

    def _gone(self, error: Exception) -> LinkError:
        return LinkError("lost", f"{self.url} has vanished: {error}", next_step="plug the helper in again")

    def _lose(self, error: Exception) -> None:
        with self._lock:
            if self._lost or self._closing.is_set():
                return
            self._lost = self._gone(error)
            waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.fail(self._lost)
        if self._on_lost:
            self._on_lost(self._lost)

    def _beat(self) -> None:
        while not self._closing.wait(rpc.HEARTBEAT_MS / 1000):
            if self._lost:
                return
            if self._in_session:
                try:
                    self.notify("beat")
                except LinkError:
                    return

    def _read_all(self) -> None:
        """While nobody waits for an answer, events are read here."""
        seen = 0
        while not self._closing.is_set() and self._lost is None:
            if self._waiting or seen != self._calls_made:
                seen = self._calls_made
                self._closing.wait(_TURN_S)
                continue
            with self._reading:
                self._read_some()

    def _read_some(self) -> None:
        try:
            data = self._read()
        except (serial.SerialException, OSError, TypeError) as error:  # pyserial on a closed pty: TypeError
            self._lose(error)
            return
        if not data and self._frames.pending():
            self._frames.give_up()
        self._take(data)

    def _take(self, data: bytes) -> None:
        data = data[self._frames.feed(data) :]
        while True:
            while (body := self._frames.next()) is not None:
                self._dispatch(bytes(body))
            if not data:
                return
            data = data[self._frames.feed(data) :]

    def _tell(self, name: str, data: Any) -> None:
        whole = self._parts.add(data) if name == rpc.PART else (name, data)
        if whole is None or self._on_event is None:
            return
        try:
            name, data = plain(whole)
        except LinkError as error:
            self._on_event(MALFORMED, error.to_dict())
            return
        self._on_event(name, data)

    def _dispatch(self, body: bytes) -> None:
        try:
            message: Any = as_message(msgpack.unpackb(body, strict_map_key=False))
        except (ValueError, TypeError, RecursionError, LinkError):
            return  # a whole frame that is no message: somebody else's
        if message[0] == rpc.NOTIFICATION:
            if message[1] == rpc.ALIVE:
                if self._in_session:  # else it is asked of a host before this one
                    with contextlib.suppress(LinkError):  # the port has gone: the reader finds out itself
                        self.notify("beat")
            else:
                self._tell(message[1], message[2])
            return
        if message[0] != rpc.RESPONSE:
            return
        with self._lock:
            answer = self._waiting.pop(message[1], None)
        if answer is None:
            return  # a second answer to a repeated request
        try:
            error, result = plain(message[2:])
        except LinkError as malformed:
            answer.fail(malformed)
            return
        if error is None:
            answer.succeed(result)
        else:
            answer.fail(from_dict(error))
