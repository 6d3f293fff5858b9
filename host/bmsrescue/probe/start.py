"""A session with a probe in place of a helper, as a command wants it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmsrescue.config import data_dir
from bmsrescue.errors import HostError
from bmsrescue.private import private_data_folder
from bmsrescue.probe.find import find_probe
from bmsrescue.probe.open import OpenProbe, make_ports, open_probe
from bmsrescue.probe.session import ProbeSession
from bmsrescue.probe.supply import supply_from

ANY = "any"
_FOLDER = "probe"


@dataclass(frozen=True)
class Hands:
    """`probe`: "any", a kind, remote:HOST[:PORT] or a serial number. `card`: None for the one in the data folder."""

    probe: str
    power: str | None = None
    card: Path | None = None


def start(hands: Hands) -> tuple[ProbeSession, OpenProbe]:
    """Open it. Raises UsageError, LinkError, HostError."""
    supply = supply_from(hands.power)
    folder = data_dir() / _FOLDER
    private_data_folder(data_dir())
    card = hands.card or folder / "card"
    opened = open_probe(find_probe(None if hands.probe == ANY else hands.probe))
    try:
        ports = make_ports(opened, supply, card, folder / "store")
    except OSError as error:
        opened.close()
        raise HostError(f"cannot use {error.filename}: {error.strerror}", "Choose another folder.") from error

    def keep(record: dict[str, Any]) -> None:
        keep_in_history(card)

    return ProbeSession(opened.name, ports, opened.close, after_job=keep), opened


def keep_in_history(card: Path) -> None:
    """The records on that folder into this bench's history, which stations and imported cards share."""
    from bmsrescue.fleet.records.cards import find_cards
    from bmsrescue.fleet.records.here import take_in

    take_in(find_cards(card))
