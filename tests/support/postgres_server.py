"""A real PostgreSQL server of the test's own: in a folder that is thrown away, on a Unix socket, ended by its pid."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_START_S = 60.0
_END_S = 30.0
_ACCOUNT = "postgres"  # made by Debian's package; the server refuses to run as root


def find_programs() -> Path | None:
    """The folder of initdb and postgres."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


class PostgresServer:
    """`start` and `kill` may be called again and again; the data stay."""

    def __init__(self, programs: Path, folder: Path, account: str | None) -> None:
        self._programs = programs
        self.folder = folder
        self._as_account: dict[str, Any] = {}
        if account:
            self._as_account = {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": ()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_ACCOUNT}@/{database}?host={self.folder}"

    def initialise(self) -> None:
        self._run("initdb", "-D", str(self.folder / "data"), "-U", _ACCOUNT, "-A", "trust", "-N", "-E", "UTF8")

    def start(self) -> None:
        self._launch()
        self.wait_until_it_answers()

    def _launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *("-c", "listen_addresses=", "-c", "shared_buffers=32MB", "-c", "fsync=off"),
                ],
                stdout=log,
                stderr=log,
                **self._as_account,
                cwd=self.folder,
                start_new_session=True,
            )

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_S
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            if self._process is None or self._process.poll() is not None:
                self._launch()  # children of a killed server still had its memory
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, without a checkpoint: its folder is thrown away."""
        self._end(signal.SIGQUIT)

    def finish(self) -> None:
        """With a checkpoint: its data are there the next time."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9; its children notice and end by themselves."""
        self._end(signal.SIGKILL)

    def restart_after_kill(self) -> None:
        """Somebody else has killed it."""
        self._end(signal.SIGKILL)
        self.start()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        process.wait(_END_S)

    def _answers(self) -> bool:
        asked = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", str(self.folder)], check=False, timeout=_END_S
        )
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            capture_output=True,
            **self._as_account,
            cwd=self.folder,
            timeout=_START_S,
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def running_server(kept: Path | None = None) -> Iterator[PostgresServer]:
    """A server, started; its programs must be there. `kept`: its folder, made once and there again the next time."""
    programs = find_programs()
    assert programs is not None, "PostgreSQL is not installed"
    account = _ACCOUNT if os.geteuid() == 0 else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    folder = kept or Path(tempfile.mkdtemp(prefix="bmsrescue-pg-"))
    try:
        if account:
            owner = pwd.getpwnam(account)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        server = PostgresServer(programs, folder, account)
        if not (folder / "data").exists():
            server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.finish() if kept else server.stop()
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
