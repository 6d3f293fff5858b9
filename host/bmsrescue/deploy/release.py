"""The agent's files as they lie on a helper, without board.json, which belongs to the helper."""

from pathlib import Path

from bmsrescue.agent import words
from bmsrescue.agent.build import MpyFormat
from bmsrescue.agent.cache import built_files
from bmsrescue.agent.files import agent_files, device_dir, shared_dir

START = "main.py"
BEFORE_USB = "boot.py"
PACKAGES = ("rescue", "rescuelink")
# Where `mpremote mip install` puts packages unless it is told otherwise; the copies there would never be imported.
MIP_PACKAGES = tuple(f"lib/{name}" for name in PACKAGES)

Files = dict[str, bytes]


def source_files() -> dict[str, Path]:
    """Every Python file of the agent: its place on the helper, and where it is here."""
    files = {name: device_dir() / name for name in (BEFORE_USB, START)}
    for root, name in zip((device_dir(), shared_dir()), PACKAGES, strict=True):
        files |= {path.relative_to(root).as_posix(): path for path in sorted((root / name).rglob("*.py"))}
    return files


def start_only() -> Files:
    """What an agent that is frozen into the firmware needs of it as files: the start, and the display's texts."""
    return {name: (device_dir() / name).read_bytes() for name in (BEFORE_USB, START)} | words.files()


def as_source() -> Files:
    """The agent, to be compiled by the board itself at every start: takes more time and heap there."""
    return {place: path.read_bytes() for place, path in source_files().items()} | words.files()


def as_compiled(target: MpyFormat) -> Files:
    """The agent as bytecode for `target`; what cannot be compiled for it stays source.

    Raises:
        HostError: mpy-cross is missing, or makes another version than the board loads.
    """
    return built_files(agent_files(), target)
