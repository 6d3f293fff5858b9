"""Which probe: the only one, one of a kind, one by its number, or one behind pyOCD's probe server.

pyOCD's `Session.open()` is never called: it unlocks locked chips by erasing them (`auto_unlock`). A session without a
probe is only where a probe looks up its options, and no pyocd.yaml or pyocd_user.py of the working folder is read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import usb.core
from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.probe.aggregator import PROBE_CLASSES

from bmsrescue.errors import UsageError
from rescuelink.errors import LinkError

KINDS = {"stlink": "ST-Link", "jlink": "J-Link", "cmsisdap": "CMSIS-DAP"}
_REMOTE = "remote"
_DEFAULT_PORT = 5555
_PAGE = "docs/probes.md"
_PLUG_IN = f"plug one in, or see {_PAGE} for those that are known"
_UDEV = f"let your user have it (udev, see {_PAGE}), and plug it in anew"
_DENIED = re.compile(r"VID=([0-9a-f]{4}) PID=([0-9a-f]{4})")
# Of the devices that refuse to be looked at only these are told: anything else on USB is no probe.
_PROBE_VENDORS = {0x0483, 0x0D28, 0x1366, 0x2E8A, 0x03EB, 0x04B4, 0xC251, 0x1FC9, 0x1A86}


def options() -> Session:
    """What a probe asks for its options."""
    return Session(None, no_config=True)


def find_probe(wanted: str | None) -> Any:
    """A probe that is not open yet. `wanted`: None, a kind, ``remote:HOST[:PORT]``, or (part of) a serial number.

    Raises:
        UsageError: there are several that fit.
        LinkError: there is none ("no_probe"), or it may not be used ("permission").
    """
    kind, _, rest = (wanted or "").partition(":")
    if kind == _REMOTE:
        return _remote(rest)
    session = options()
    with _denied() as denied:
        found = [probe for probe in _listed(kind if kind in KINDS else None) if _is_wanted(probe, wanted, kind, rest)]
    for probe in found:
        probe.session = session
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{probe.description} {probe.unique_id}" for probe in found)
        raise UsageError(f"there are {len(found)} probes: {names}", "Name one: --probe and its number.")
    if denied:
        which = ", ".join(f"{vid:04x}:{pid:04x}" for vid, pid in sorted(denied))
        raise LinkError("permission", f"there is a probe ({which}) that you may not use", next_step=_UDEV)
    what = f"no {KINDS[kind]}" if kind in KINDS else f"no probe {wanted}" if wanted else "no probe"
    hint = _PLUG_IN if kind != "jlink" else "plug one in, and install SEGGER's J-Link software, whose library is used"
    raise LinkError("no_probe", f"there is {what}", next_step=hint)


def _remote(address: str) -> Any:
    host, _, port = address.partition(":")
    if not host or (port and not port.isdigit()):
        raise UsageError("a remote probe is remote:HOST or remote:HOST:PORT", "Serve one with `pyocd server`.")
    probe = PROBE_CLASSES[_REMOTE](f"{host}:{port or _DEFAULT_PORT}")
    probe.session = options()
    return probe


def _listed(kind: str | None) -> list[Any]:
    probes: list[Any] = []
    for name in (kind,) if kind else KINDS:
        try:
            if name in PROBE_CLASSES:  # J-Link is there only with SEGGER's library
                probes += PROBE_CLASSES[name].get_all_connected_probes()
        except (exceptions.Error, usb.core.USBError) as error:
            logging.getLogger(__name__).debug("looking for %s: %s", name, error)
    return probes


def _is_wanted(probe: Any, wanted: str | None, kind: str, rest: str) -> bool:
    text = rest if kind in KINDS else wanted
    return not text or text.lower() in str(probe.unique_id).lower()


@contextmanager
def _denied() -> Iterator[set[tuple[int, int]]]:
    """Which devices the system did not let us look at: pyOCD only logs them."""
    seen: set[tuple[int, int]] = set()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = _DENIED.search(record.getMessage().replace("0x", ""))
            if found and int(found[1], 16) in _PROBE_VENDORS:
                seen.add((int(found[1], 16), int(found[2], 16)))

    handler, logger = Handler(), logging.getLogger("pyocd.probe")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield seen
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
