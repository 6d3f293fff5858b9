"""A broken unit with a helper on it that a host reaches like a real one: by opening a serial port."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import RunResult, VirtualHelper
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.scenarios.scenario import Scenario, build_unit

_LOG_MOST = 1000  # events and pictures that are kept, of a twin that may be served for weeks
_RUNS_KEPT = 8


class SerialPort(Protocol):
    """What a client opens at `url`, and the agent reads from `fd`."""

    @property
    def url(self) -> str: ...

    @property
    def fd(self) -> int: ...


class SerialTwin:
    """Use as a context manager, or call `run`. When the agent ends because a host asked it to, it is started again.

    Time passes for the unit as the agent works; while the agent waits for its host, it is wall time.
    """

    def __init__(
        self,
        scenario: Scenario,
        card: ImageBytes | None,
        *,
        seed: int = 0,
        port: SerialPort | None = None,
        presses: Sequence[Press] = (),
        watch: Callable[[int, str, object], None] | None = None,
        dap_fd: int | None = None,
    ) -> None:
        self.unit: Unit = build_unit(scenario, seed)
        self.card = card
        self._own_port = PtyPort() if port is None else None
        self._port: SerialPort = port or self._own_port  # type: ignore[assignment]  # one of them is there
        self.url = self._port.url
        self.runs: list[RunResult] = []
        self.helper = VirtualHelper(
            self.unit,
            wire_over(self.unit.swd),
            card,
            seed=seed,
            presses=presses,
            watch=watch,
            wall_limit_s=math.inf,
            log_most=_LOG_MOST,
        )
        self.helper.dap_fd = dap_fd
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run_in_thread, name="serial twin", daemon=True)
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping.is_set():
            self.runs.append(self.helper.run(settings={"once": False}, link_fd=self._port.fd))
            del self.runs[:-_RUNS_KEPT]

    def stop(self) -> None:
        """Pull the plug; from any thread or signal handler."""
        self._stopping.set()
        self.helper.stop()

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self._failure = error
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()
        if self._own_port is not None:
            self._own_port.close()
