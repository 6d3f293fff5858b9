"""A command in a terminal of a certain size, and what a person would then see there (by pyte, a terminal emulator)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyte
from wcwidth import wcswidth

COMMAND = Path(sys.executable).parent / "bmsrescue"
PATIENCE_S = 120.0
_HISTORY_LINES = 5000
_CTRL_C = b"\x03"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")


@dataclass(frozen=True)
class Shown:
    """What came out of the terminal's end of a command, and how the command ended."""

    raw: bytes
    columns: int
    rows: int
    status: int

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """All lines that a person can scroll through, without blanks at their ends."""
        screen = pyte.HistoryScreen(self.columns, self.rows, history=_HISTORY_LINES, ratio=0.5)
        stream = pyte.ByteStream(screen)
        stream.feed(self.raw)
        past = ["".join(row[at].data for at in range(self.columns)) for row in screen.history.top]
        return tuple(line.rstrip() for line in (*past, *screen.display))

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    @cached_property
    def written(self) -> tuple[str, ...]:
        """The lines as the command wrote them: what a terminal has to break is still one."""
        text = _ESCAPES.sub("", self.raw.decode(errors="replace"))
        return tuple(piece for line in text.replace("\r\n", "\n").split("\n") for piece in line.split("\r"))

    def too_wide(self) -> list[str]:
        """Lines that do not fit; one word that is longer than the terminal cannot."""
        wide = (line for line in self.written if wcswidth(line) > self.columns)
        return [line for line in wide if len(line.split()) > 1 and max(map(len, line.split())) <= self.columns]


def environment(**changes: str) -> dict[str, str]:
    """What a terminal's shell has; nothing of the machine that runs the test."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    kept = {name: value for name, value in os.environ.items() if name.startswith("BMSRESCUE_")}
    return {**plain, **kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", **changes}


def in_terminal(
    *words: object,
    columns: int = 80,
    rows: int = 24,
    typed: bytes = b"",
    stop_at: bytes = b"",
    on_line: Callable[[bytes], None] | None = None,
    **changes: str,
) -> Shown:
    """Run `bmsrescue WORDS` in a terminal and wait for its end; `typed` is what a person types ahead. Once it has
    written `stop_at`, `on_line` gets the last line, and the person presses Ctrl-C."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [COMMAND, *(str(word) for word in words)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(**changes),
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    try:
        if typed:
            os.write(master, typed)
        raw = _all_of(master, stop_at, on_line)
        status = process.wait(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return Shown(raw, columns, rows, status)


def _take_terminal() -> None:
    """In the child: the terminal is its own, so that Ctrl-C reaches it."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _all_of(master: int, stop_at: bytes, on_line: Callable[[bytes], None] | None) -> bytes:
    """Everything until the other end is closed."""
    deadline = time.monotonic() + PATIENCE_S
    pieces = []
    with contextlib.suppress(OSError):  # Linux says EIO when the last one has closed the other end
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 1.0)[0]:
                continue
            piece = os.read(master, 1 << 16)
            if not piece:
                break
            pieces.append(piece)
            if stop_at and stop_at in b"".join(pieces):
                if on_line is not None:
                    on_line(b"".join(pieces).splitlines()[-1])
                os.write(master, _CTRL_C)
                stop_at = b""
    return b"".join(pieces)
