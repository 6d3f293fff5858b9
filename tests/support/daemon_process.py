"""The command as a process of its own, above all `bmsrescue serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from link_twin import PATIENCE_S

ROOT = Path(__file__).parents[2]


# Tests that run in the background of a shell are started with Ctrl-C ignored, and would pass that on.
_MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from bmsrescue.cli import main; main()"
)


@contextmanager
def started(folder: Path, *words: str, config: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own."""
    settings = {"BMSRESCUE_DATA": str(folder), "BMSRESCUE_CONFIG": str(config or folder / "none.toml")}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-c", _MAIN, *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)


@contextmanager
def daemon(url: str, folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`bmsrescue serve` with these helpers, listening."""
    helpers = [word for helper in (url, *more) for word in ("--helper", helper)]
    with started(folder, "serve", "--port", "0", *helpers) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening: http://127.0.0.1:")
        yield process


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
