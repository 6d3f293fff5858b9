"""Where the agent's own files are, and how the few of them that run on CPython are imported."""

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def device_dir() -> Path:
    """The folder that is copied to a helper: inside the installed package, or `device/` of a checkout.

    Raises:
        FileNotFoundError: the installation carries no agent.
    """
    for candidate in (_PACKAGE / "_device", _PACKAGE.parent.parent / "device"):
        if (candidate / "rescue").is_dir():
            return candidate
    raise FileNotFoundError("the agent's files are missing from this installation: reinstall bmsrescue")


def shared_dir() -> Path:
    """The folder that holds the package `rescuelink`."""
    import rescuelink

    return Path(rescuelink.__file__).resolve().parent.parent


def agent_files() -> dict[Path, Path]:
    """Every Python file of the agent: its place on the helper, and where it is here."""
    device, shared = device_dir(), shared_dir()
    sources = (*device.glob("*.py"), *(device / "rescue").rglob("*.py"))
    files = {path.relative_to(device): path for path in sorted(sources)}
    # In an installation `rescuelink` lies among other people's packages.
    return files | {path.relative_to(shared): path for path in sorted((shared / "rescuelink").rglob("*.py"))}


def make_importable() -> None:
    """Let `import rescue...` find the agent on CPython, with a stand-in for the `micropython` module."""
    for folder in (_PACKAGE / "cpython", device_dir()):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
