"""Why a port cannot be opened, in words, with what to do."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from serial.tools import list_ports

from rescuelink.errors import LinkError

_ERRNO = re.compile(r"\[Errno (\d+)\]|\((\d+), '")
_MOST_NAMED = 6


def port_error(url: str, error: Exception) -> LinkError:
    """LinkError of kind "port" for what pyserial or mpremote raised when `url` was opened."""
    found = _ERRNO.search(str(error))
    number = int(found[1] or found[2]) if found else getattr(error, "errno", None)
    is_gone = url.startswith("/") and not Path(url).exists()  # mpremote says only that it failed
    if number == errno.ENOENT or (number is None and is_gone):
        return LinkError("port", f"there is no port {url}", next_step=_those_there())
    if number in (errno.EACCES, errno.EPERM):
        return LinkError("port", f"you may not use {url}", next_step="on Linux join the group dialout, and log in anew")
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return LinkError("port", f"{url} is no serial port", next_step=_those_there())
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return LinkError(
            "port", f"another program has {url}", next_step="close it: a terminal, an editor, or `bmsrescue serve`"
        )
    if number == errno.ECONNREFUSED:
        return LinkError("port", f"nothing listens at {url}", next_step="start it there, or check the port's number")
    is_remote = not url.startswith("/") and "://" in url
    told = str(error).removeprefix(f"Could not open port {url}: ")
    step = (
        "check the address and the network" if is_remote else "check the cable and that no other program has the port"
    )
    return LinkError("port", f"cannot open {url}: {told}", next_step=step)


def _those_there() -> str:
    there = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if not there:
        return "plug the helper in, by a cable that has data wires too: no port on USB is there"
    return f"those on USB are {', '.join(there[:_MOST_NAMED])}"
