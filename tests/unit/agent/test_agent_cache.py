"""The compiled agent is kept for its sources, by whoever makes it first."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import platformdirs
import pytest

from bmsrescue.agent.build import format_for
from bmsrescue.agent.cache import built


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _name: tmp_path / "cache")
    return tmp_path / "cache" / "agent"


def _source(folder: Path, text: str) -> dict[Path, Path]:
    source = folder / "module.py"
    source.write_text(text)
    return {Path("module.py"): source}


def test_the_same_sources_are_compiled_once_and_others_again(cache: Path, tmp_path: Path) -> None:
    target = format_for("armv6m")
    first = built(_source(tmp_path, "x = 1\n"), target)
    made = (first / "module.mpy").stat().st_mtime_ns
    assert built(_source(tmp_path, "x = 1\n"), target) == first
    assert (first / "module.mpy").stat().st_mtime_ns == made
    other = built(_source(tmp_path, "x = 2\n"), target)
    assert other != first
    assert (other / "module.mpy").read_bytes() != (first / "module.mpy").read_bytes()
    assert built(_source(tmp_path, "x = 2\n"), format_for("armv7m")) not in (first, other)
    assert not list(cache.glob("making-*"))


def test_a_folder_that_nobody_asked_for_in_a_week_goes(cache: Path, tmp_path: Path) -> None:
    target = format_for("armv6m")
    first = built(_source(tmp_path, "x = 1\n"), target)
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(first, (long_ago, long_ago))
    second = built(_source(tmp_path, "x = 2\n"), target)
    assert second.is_dir()
    assert not first.exists()


def _make(arguments: tuple[Path, Path]) -> bytes:
    cache, source = arguments
    platformdirs.user_cache_path = lambda *_: cache  # type: ignore[assignment]
    return (built({Path("module.py"): source}, format_for("armv6m")) / "module.mpy").read_bytes()


def test_processes_that_make_the_same_do_no_harm(cache: Path, tmp_path: Path) -> None:
    source = _source(tmp_path, "def f(a):\n    return a + 1\n")[Path("module.py")]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.map(_make, [(tmp_path / "cache", source)] * 8)
    assert len(set(made)) == 1
    assert len(list(cache.iterdir())) == 1


def test_without_a_cache_that_can_be_written_it_is_compiled_once_for_the_process(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    first = built(_source(tmp_path, "x = 3\n"), format_for("armv6m"))
    assert (first / "module.mpy").is_file()
    assert built(_source(tmp_path, "x = 3\n"), format_for("armv6m")) == first
