"""A session with a probe in place of a helper, as a command wants it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bmsrescue.card.storage import write_atomically
from bmsrescue.config import data_dir
from bmsrescue.errors import HostError, UsageError
from bmsrescue.keys.store import TRUST_FILE, KeyStore, trust_text
from bmsrescue.private import private_data_folder
from bmsrescue.probe.find import find_probe
from bmsrescue.probe.helper_hands import OpenHelper, wanted_helper
from bmsrescue.probe.open import OpenProbe, make_ports, open_probe
from bmsrescue.probe.ports import Clock
from bmsrescue.probe.session import ProbeSession
from bmsrescue.probe.supply import Supply, supply_from

ANY = "any"
_FOLDER = "probe"


def start(
    which: str | None,
    power: str | None = None,
    card: Path | None = None,
    *,
    development: bool = False,
    clock: Clock | None = None,
    switch: Callable[[Supply], Supply] = lambda supply: supply,
) -> tuple[ProbeSession, OpenProbe | OpenHelper]:
    """Open it.

    Args:
        which: None or "any", a kind, remote:HOST[:PORT], a serial number, or helper[:NAME].
        power: who switches the unit, as `supply_from` reads it.
        card: the folder that is the card; None for the one in the data folder.
        development: run any job, signed or not, also where this computer trusts keys.
        clock: other than wall time.
        switch: what is put between the engine and the supply.

    Raises:
        UsageError, LinkError, TargetError, HostError.
    """
    supply = supply_from(power)
    folder = data_dir() / _FOLDER
    private_data_folder(data_dir())
    card = card or folder / "card"
    open_helper = wanted_helper(which)
    if open_helper is not None and supply is not None:
        raise UsageError("--power exec: is for a probe", "A helper switches the unit itself, or you do: --power ask.")
    opened = open_helper() if open_helper is not None else open_probe(find_probe(None if which == ANY else which))
    try:
        _trust(folder / "store", None if development else KeyStore().for_jobs())
        if isinstance(opened, OpenHelper):
            ports = opened.ports(card, folder / "store", clock)
        else:
            ports = make_ports(opened, None if supply is None else switch(supply), card, folder / "store", clock)
    except OSError as error:
        opened.close()
        raise HostError(f"cannot use {error.filename}: {error.strerror}", "Choose another folder.") from error

    def keep() -> None:
        try:
            keep_in_history(card)
        except HostError as error:  # the record is on the card, and counts
            session.late_errors.append(error)

    session = ProbeSession(opened.name, ports, after_job=keep)
    session.card_folder = str(card)
    session.add_closing(opened.close)
    return session, opened


def _trust(store: Path, keys: list[bytes] | None) -> None:
    """Whose jobs the engine runs, as a deployed helper has it; None: it is one for development."""
    place = store / TRUST_FILE
    if keys is not None:
        store.mkdir(parents=True, exist_ok=True)
        write_atomically(place, trust_text(keys), private=True)
    else:
        place.unlink(missing_ok=True)


def keep_in_history(card: Path) -> None:
    """The records on that folder into this bench's history, which stations and imported cards share.

    Raises HostError where one of them was not taken; it stays on the card.
    """
    from bmsrescue.fleet.records.cards import find_cards
    from bmsrescue.fleet.records.here import take_in

    reports, _ = take_in(find_cards(card))
    if not all(report.whole for report in reports):
        raise HostError(
            f"not every record of {card} went into the history", f"See why with `bmsrescue records import {card}`."
        )
