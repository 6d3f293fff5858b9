"""A helper whose flash no longer says whether it has trusted keys runs nothing that is not signed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bmsrescue.agent.files import make_importable
from rescuelink.errors import JobError, TargetError

make_importable()

from rescue.dap import mode  # noqa: E402
from rescue.engine.common import files  # noqa: E402
from rescue.engine.job import released  # noqa: E402


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Those of a helper with keys, in whose flash a look for them fails."""
    (tmp_path / "trust.txt").write_text("00" * 64 + "\n")
    stat = os.stat

    def failing(path: Any, *more: Any, **how: Any) -> Any:
        if str(path).endswith("trust.txt"):
            raise OSError(errno.EIO, "a block of it is damaged")
        return stat(path, *more, **how)

    monkeypatch.setattr(os, "stat", failing)
    clock = SimpleNamespace(feed=lambda: None)
    return SimpleNamespace(store=SimpleNamespace(root=str(tmp_path)), clock=clock, packets=object())


def test_an_unsigned_job_is_refused(ports: Any, tmp_path: Path) -> None:
    run = SimpleNamespace(ports=ports, say=lambda text: None)
    with pytest.raises(JobError) as refused:
        released.read(run, str(tmp_path / "card"))
    assert refused.value.kind == "unsigned"


def test_it_is_no_debug_probe(ports: Any) -> None:
    with pytest.raises(TargetError) as refused:
        mode.begin(ports, None)
    assert refused.value.kind == "signed_only"


@pytest.mark.parametrize(("number", "absent"), [(errno.ENOENT, True), (errno.EIO, False), (84, False)])
def test_only_a_file_system_that_says_so_has_no_such_file(
    monkeypatch: pytest.MonkeyPatch, number: int, absent: bool
) -> None:
    def fails(path: str) -> None:
        raise OSError(number, path)

    monkeypatch.setattr(os, "stat", fails)
    assert files.is_absent("/trust.txt") is absent
