"""The agent as the virtual helper runs it: compiled, as on a board, with the twin's ports in place of the pins."""

import functools
import warnings
from pathlib import Path

from bmsrescue.agent.build import format_of
from bmsrescue.agent.cache import built
from bmsrescue.agent.files import agent_files, device_dir, shared_dir
from bmsrescue.errors import HostError

_PORTS_FOLDER = Path(__file__).parent / "micropython"
MAIN = "main"


@functools.cache
def search_path(interpreter: Path) -> tuple[Path, ...]:
    """Where `interpreter` finds the agent; the module `MAIN` is in the first folder. Compiled once for its sources.

    Where the interpreter cannot load what mpy-cross makes, the agent runs from its sources, and a warning says so.
    """
    ports = {Path(path.name): path for path in sorted(_PORTS_FOLDER.glob("twin_*.py"))}
    files = agent_files() | ports
    try:
        return (built(files, format_of(interpreter)),)
    except HostError as error:
        warnings.warn(f"{error}: the agent runs from its sources, which take more of the heap", stacklevel=2)
        return (device_dir(), shared_dir(), _PORTS_FOLDER)
