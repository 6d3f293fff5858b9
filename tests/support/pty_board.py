"""A board on a pty: the real MicroPython unix port in a folder, its flash. Ctrl-D at the prompt restarts it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from bmsrescue.twin.helper.process import find_interpreter


class PtyBoard:
    """Runs main.py of `flash` at every start, if there is one, and then the prompt, as a board does.

    firmware: a folder whose modules stand for frozen ones: they are found where the flash has none.
    """

    def __init__(self, flash: Path, firmware: Path | None = None) -> None:
        self.flash = flash
        self._path = {} if firmware is None else {"MICROPYPATH": f":{firmware}"}
        self._side, self._board_side = pty.openpty()
        tty.setraw(self._board_side)
        self._host, self._host_side = pty.openpty()
        tty.setraw(self._host_side)
        self.url = os.ttyname(self._host_side)
        self.starts = 0
        self.ctrl_c_interrupts = False  # the next one does, as a board's USB driver would; here by a signal
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = [
            threading.Thread(target=self._run, daemon=True),
            threading.Thread(target=self._pass_on, args=(self._host, self._side), daemon=True),
            threading.Thread(target=self._pass_on, args=(self._side, self._host), daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._process is not None:
            self._process.kill()
        self._threads[0].join(10)
        for end in (self._board_side, self._host_side, self._side, self._host):
            os.close(end)

    def files(self) -> dict[str, bytes]:
        """What is on its flash."""
        return {
            path.relative_to(self.flash).as_posix(): path.read_bytes()
            for path in sorted(self.flash.rglob("*"))
            if path.is_file()
        }

    def wait_for(self, path: str) -> None:
        """Until the program on the board has made this file."""
        for _ in range(1000):
            if (self.flash / path).exists():
                return
            time.sleep(0.01)
        raise AssertionError(f"the board made no {path}")

    def _run(self) -> None:
        while not self._ending.is_set():
            self.starts += 1
            script = ["-i", "main.py"] if (self.flash / "main.py").exists() else []
            with subprocess.Popen(
                [find_interpreter(), "-X", "heapsize=288K", *script],
                stdin=self._board_side,
                stdout=self._board_side,
                stderr=self._board_side,
                cwd=self.flash,
                env={**os.environ, **self._path},
                start_new_session=True,
            ) as self._process:
                self._process.wait()

    def _pass_on(self, source: int, sink: int) -> None:
        while True:
            try:
                data = os.read(source, 4096)
                if source == self._host and self.ctrl_c_interrupts and b"\x03" in data and self._process is not None:
                    self.ctrl_c_interrupts = False
                    self._process.send_signal(signal.SIGINT)
                os.write(sink, data)
            except OSError:
                return
