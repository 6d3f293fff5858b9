"""What pyOCD raises, as the agent's own errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import usb.core
from pyocd.core import exceptions

from rescuelink.errors import LinkError, RescueError, WireError

_PLUG = "plug the probe in again, and look at its cable"
_STLINK = re.compile(r"STLink error \((\d+)\)")
# STLink's status words (pyocd/probe/stlink/constants.py) that tell of the target and not of the probe.
_STLINK_KINDS = {
    0x04: "no_ack",  # unknown JTAG chain
    0x05: "no_ack",  # no device connected
    0x09: "no_ack",  # reading IDCODE failed
    0x0B: "no_ack",  # debug power-up not acknowledged
    0x10: "wait",
    0x11: "fault",
    0x12: "protocol",
    0x13: "parity",
    0x14: "wait",
    0x15: "fault",
    0x16: "no_ack",
    0x17: "parity",
    0x18: "parity",  # a written word was damaged
    0x19: "fault",
    0x1A: "fault",
    0x1D: "fault",  # an access port that is not there
}
_SENTENCES = {
    "fault": "the chip answered FAULT",
    "wait": "the chip kept answering WAIT",
    "no_ack": "nothing answers on SWD",
    "parity": "a word was damaged on the way",
    "protocol": "the chip's answer makes no sense",
}
_NOBODY = ("No ACK", "nothing answers")


@contextmanager
def translated() -> Iterator[None]:
    """Raises WireError for what the target did, LinkError for what the probe did."""
    try:
        yield
    except (exceptions.Error, usb.core.USBError, ConnectionError, TimeoutError) as error:
        raise translate(error) from error


def translate(error: Exception) -> RescueError:
    """The agent's error for one of pyOCD's."""
    kind = _kind_of(error)
    if kind is not None:
        wire = WireError(kind, _SENTENCES[kind])
        wire.done = 0  # nobody says how many words of a block were through
        return wire
    return LinkError("lost", f"the probe does not answer as it should: {error}", next_step=_PLUG)


def _kind_of(error: Exception) -> str | None:
    text = str(error)
    status = _STLINK.search(text)
    if status:
        return _STLINK_KINDS.get(int(status[1]))
    if isinstance(error, exceptions.TransferFaultError):
        return "fault"
    if isinstance(error, exceptions.TransferTimeoutError):
        return "wait"
    if isinstance(error, exceptions.TransferError):
        return "no_ack" if any(word in text for word in _NOBODY) else "protocol"
    return None
