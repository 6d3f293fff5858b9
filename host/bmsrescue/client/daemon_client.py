"""The daemon as its clients see it: found by the file it leaves in the data folder, asked over its API."""

import base64
import json
import logging
import math
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect, unix_connect

from bmsrescue.client.plain_json import from_json, to_json
from bmsrescue.client.session import CALL_S, SLOW_S, EventHandler
from bmsrescue.errors import from_dict
from rescuelink.errors import LinkError, RescueError

# It tells every request as news, which a debugger would print: hundreds of lines a second.
logging.getLogger("httpx").setLevel(logging.WARNING)

_UNIX = "unix:"
_TOKEN_VARIABLE = "BMSRESCUE_TOKEN"  # an engineer's, where the daemon is not reached by the owner's socket
_ASK_S = 2.0  # for what the daemon knows by itself
_SPARE_S = 15.0  # a call may wait for its turn before its own time begins
_WAIT_S = 20.0  # one look at a job's end
_PIECE_BYTES = 256 * 1024  # of a file, in one request
_RENEWALS = 3  # of a hold, in the time that it lasts


class DaemonClient:
    """The API of the daemon at `address`, "http://host:port" or "unix:path"."""

    def __init__(self, address: str) -> None:
        self._address = address
        uds = address.removeprefix(_UNIX) if address.startswith(_UNIX) else None
        self._uds = uds
        self._base = "http://localhost" if uds else address
        self._http = httpx.Client(
            base_url=self._base,
            transport=httpx.HTTPTransport(uds=uds),
            timeout=_ASK_S,
            trust_env=False,
            headers=self._token(),
        )

    def ask(self, verb: str, path: str, body: Any = None, timeout_s: float = _ASK_S) -> Any:
        """The answer to one request. Raises the RescueError it carries; LinkError (no_daemon) when there is none."""
        try:
            response = self._http.request(verb, path, json=body, timeout=timeout_s)
            document = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LinkError(
                "no_daemon", f"the daemon at {self._address} does not answer: {error}", next_step="start it again"
            ) from None
        if response.is_success:
            return document
        refusal = document.get("error") if isinstance(document, dict) else None
        if not isinstance(refusal, dict):
            raise LinkError("no_daemon", f"{self._address} answers {response.status_code}, it is no bmsrescue daemon")
        raise from_dict(refusal)

    def helpers(self) -> list[dict[str, Any]]:
        """The status of every helper it knows."""
        found: list[dict[str, Any]] = self.ask("GET", "/api/helpers")
        return found

    def events(self, helper: str = "", after: int = 0) -> list[dict[str, Any]]:
        """What has happened, as far as it is kept."""
        found: list[dict[str, Any]] = self.ask("GET", f"/api/events?after={after}&helper={helper}")
        return found

    def open_events(self, helper: str = "", after: int = -1) -> ClientConnection:
        """The stream of events: JSON text messages. Raises LinkError (no_daemon)."""
        url = f"ws{self._base.removeprefix('http')}/api/events?after={after}&helper={helper}"
        try:
            if self._uds:
                return unix_connect(self._uds, url, max_size=None)
            return connect(url, proxy=None, max_size=None, additional_headers=self._token())
        except (OSError, WebSocketException) as error:
            raise LinkError("no_daemon", f"the daemon tells no events: {error}", next_step="start it again") from None

    def _token(self) -> dict[str, str]:
        """Not over the owner's socket, which takes nobody else."""
        token = os.environ.get(_TOKEN_VARIABLE, "")
        return {"Authorization": f"Bearer {token}"} if token and not self._uds else {}

    def close(self) -> None:
        self._http.close()


def running_daemon(folder: Path, address_file: str = "daemon.json") -> DaemonClient | None:
    """The daemon of this data folder, None when none answers."""
    try:
        address = json.loads((folder / address_file).read_text(encoding="utf-8"))["address"]
        client = DaemonClient(str(address))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        client.ask("GET", "/api/about")
    except RescueError:
        client.close()
        return None
    return client


class DaemonSession:
    """A helper through the daemon: it stays powered and connected when this session is closed."""

    lasting = True

    def __init__(self, daemon: DaemonClient, name: str) -> None:
        self.name = name
        self._daemon = daemon
        self._path = f"/api/helpers/{name}"
        self._client = f"{os.getpid()}-{secrets.token_hex(4)}"
        status = daemon.ask("GET", self._path)
        if status["about"] is None:
            error = status["error"] or LinkError("port", f"{name} is being opened").to_dict()
            raise from_dict(error)
        self.about: dict[str, Any] = status["about"]

    def call(self, method: str, *params: Any, timeout_s: float = CALL_S) -> Any:
        body = {"method": method, "params": to_json(params), "timeout_s": timeout_s, "client": self._client}
        answer = self._daemon.ask("POST", f"{self._path}/call", body, timeout_s + _SPARE_S)
        return from_json(answer["result"])

    def run(self, method: str, *params: Any) -> Any:
        body = {"method": method, "params": to_json(params), "client": self._client}
        number = self._daemon.ask("POST", f"{self._path}/job", body)["job"]
        job: dict[str, Any] = {"state": "running"}
        while job["state"] == "running":
            job = self._daemon.ask("GET", f"{self._path}/job?wait_s={_WAIT_S:g}", timeout_s=_WAIT_S + _SPARE_S)
            if job["job"] != number:
                raise LinkError("no_job", "another job has begun before this one's result was fetched")
        if job["error"]:
            raise from_dict(job["error"])
        return from_json(job["result"])

    def write_file(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        for offset in range(0, max(len(data), 1), _PIECE_BYTES):
            piece = data[offset : offset + _PIECE_BYTES]
            body = {
                "path": path,
                "offset": offset,
                "data": base64.b64encode(piece).decode(),
                "timeout_s": SLOW_S,
                "client": self._client,
            }
            self._daemon.ask("POST", f"{self._path}/card", body, SLOW_S + _SPARE_S)
            progress(offset + len(piece))

    def cancel(self) -> None:
        self._daemon.ask("POST", f"{self._path}/cancel")

    def answer(self, number: int, text: str) -> None:
        self._daemon.ask("POST", f"{self._path}/answer", {"number": number, "text": text})

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        def hold(for_s: float) -> None:
            self._daemon.ask("POST", f"{self._path}/hold", {"client": self._client, "seconds": for_s})

        def keep_hold() -> None:
            with suppress(RescueError):  # the daemon or the helper has gone: the next call tells
                while not over.wait(seconds / _RENEWALS):
                    hold(seconds)

        over = threading.Event()
        hold(seconds)
        renewing = threading.Thread(target=keep_hold, name="hold", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join(_ASK_S)
            with suppress(RescueError):  # then it ends by itself
                hold(0)

    @contextmanager
    def watching(self, handler: EventHandler) -> Iterator[None]:
        with self._daemon.open_events() as stream:
            reader = _EventReader(stream, self.name, handler)
            reader.start()
            try:
                yield
                # What had happened by now is still told.
                reader.come_to(self._daemon.ask("GET", "/api/about")["event"])
            finally:
                stream.close()
                reader.join(_ASK_S)

    def close(self) -> None:
        self._daemon.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _EventReader(threading.Thread):
    """Hands the events of one helper to `handler` as they come."""

    def __init__(self, stream: ClientConnection, helper: str, handler: EventHandler) -> None:
        super().__init__(name="events", daemon=True)
        self._stream = stream
        self._helper = helper
        self._handler = handler
        self._news = threading.Condition()
        self._number: float = -1

    def run(self) -> None:
        try:
            for message in self._stream:
                event = json.loads(message)
                if event["helper"] == self._helper:
                    self._handler(event["name"], from_json(event["data"]))
                self._reached(event["number"])
        except ConnectionClosed:
            pass
        finally:
            self._reached(math.inf)

    def come_to(self, number: int) -> None:
        """Wait until the event of that number has been handed on, but not for ever."""
        with self._news:
            self._news.wait_for(lambda: self._number >= number, _ASK_S)

    def _reached(self, number: float) -> None:
        with self._news:
            self._number = number
            self._news.notify_all()
