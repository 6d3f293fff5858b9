"""The agent as the virtual helper runs it: compiled, as on a board, with the twin's ports in place of the pins."""

import functools
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

from bmsrescue.agent.build import MpyFormat, build_files, format_of
from bmsrescue.agent.cache import built
from bmsrescue.agent.files import agent_files, device_dir, shared_dir
from bmsrescue.errors import HostError

_PORTS_FOLDER = Path(__file__).parent / "micropython"
MAIN = "main"

_made: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


@functools.cache
def search_path(interpreter: Path) -> tuple[Path, ...]:
    """Where `interpreter` finds the agent; the module `MAIN` is in the first folder. Compiled once for its sources.

    Where the interpreter cannot load what mpy-cross makes, the agent runs from its sources, and a warning says so.
    """
    ports = {Path(path.name): path for path in sorted(_PORTS_FOLDER.glob("twin_*.py"))}
    files = agent_files() | ports
    try:
        target = format_of(interpreter)
        try:
            return (built(files, target),)
        except OSError:  # a cache that cannot be written: once per process then
            return (_built_here(files, target),)
    except HostError as error:
        warnings.warn(f"{error}: the agent runs from its sources, which take more of the heap", stacklevel=2)
        return (device_dir(), shared_dir(), _PORTS_FOLDER)


def _built_here(files: Mapping[Path, Path], target: MpyFormat) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="bmsrescue-agent-")
    _made.append(folder)
    build_files(files, Path(folder.name), target)
    return Path(folder.name)
