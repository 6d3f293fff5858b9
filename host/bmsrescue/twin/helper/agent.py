"""The agent as the virtual helper runs it: compiled, as on a board, with the twin's ports in place of the pins."""

import functools
import tempfile
import warnings
from pathlib import Path

from bmsrescue.agent_build import build_files, format_of
from bmsrescue.agent_files import agent_files, device_dir, shared_dir
from bmsrescue.errors import HostError

_PORTS_FOLDER = Path(__file__).parent / "micropython"
MAIN = "main"

_made: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


@functools.cache
def search_path(interpreter: Path) -> tuple[Path, ...]:
    """Where `interpreter` finds the agent; the module `MAIN` is in the first folder. Compiled once per process.

    Where the interpreter cannot load what mpy-cross makes, the agent runs from its sources, and a warning says so.
    """
    ports = {Path(path.name): path for path in sorted(_PORTS_FOLDER.glob("twin_*.py"))}
    folder = tempfile.TemporaryDirectory(prefix="bmsrescue-agent-")
    try:
        build_files(agent_files() | ports, Path(folder.name), format_of(interpreter))
    except HostError as error:
        folder.cleanup()
        warnings.warn(f"{error}: the agent runs from its sources, which take more of the heap", stacklevel=2)
        return (device_dir(), shared_dir(), _PORTS_FOLDER)
    _made.append(folder)
    return (Path(folder.name),)
