"""The wheel in a virtual environment of its own, as a user has it: with what pyproject.toml asks for, and no more."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from repository import ROOT


def install(place: Path) -> Path:
    """Build the wheel, install it under `place`; the environment's folder of programs. Asks no network: what the
    package needs is lent by the environment that runs the tests."""
    built = place / "dist"
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built), cwd=ROOT)
    (wheel,) = built.glob("*.whl")
    _run(sys.executable, "-m", "venv", "--without-pip", str(place / "venv"))
    programs = place / "venv" / "bin"
    python = programs / "python"
    _run(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel))
    asked = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    )
    _lend(needed_by("bmsrescue"), Path(asked.stdout.strip()), programs)
    return programs


def needed_by(name: str) -> set[str]:
    """The distributions that a user gets with it: of what is asked for without an extra, and by each of those."""
    found: set[str] = set()
    waiting = [(name, frozenset[str]())]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        owner, extras = one
        for text in metadata.requires(owner) or ():
            need = Requirement(text)
            marker = need.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (extras or {""})):
                found.add(_plain(need.name))
                waiting.append((_plain(need.name), frozenset(need.extras)))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lend(names: set[str], packages: Path, programs: Path) -> None:
    for name in names:
        distribution = metadata.distribution(name)
        home = Path(str(distribution.locate_file("")))
        for file in distribution.files or ():
            top = file.parts[0]
            if top == "..":  # a program
                source = Path(str(distribution.locate_file(file))).resolve()
                if source.parent == Path(sys.executable).parent and not (programs / source.name).exists():
                    (programs / source.name).symlink_to(source)
            elif top != "__pycache__" and not (packages / top).exists() and (home / top).exists():
                (packages / top).symlink_to(home / top)


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
