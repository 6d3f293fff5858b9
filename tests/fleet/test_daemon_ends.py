"""How a daemon with stations ends while pages follow its events."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx

from daemon_process import PATIENCE_S, started


def test_pages_that_follow_events_do_not_keep_the_daemon_from_ending(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--port", "0", "--stations") as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening: ").strip()
        with httpx.stream("GET", f"{url}/api/fleet/events", timeout=PATIENCE_S) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("id: ")
            process.send_signal(signal.SIGTERM)
            assert not [line for line in lines if line.startswith("data: {")], "the answer ends in order"
        _out, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
