"""`bmsrescue twin serve --serial`: a helper on a broken unit, as a serial port or a TCP port."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import typer

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.card.storage import load_card, save_card
from bmsrescue.errors import HostError
from bmsrescue.twin.by_hand_rig import Place
from bmsrescue.twin.helper.person import ScriptedPerson
from bmsrescue.twin.helper.serial_port import PtyPort, TcpPort
from bmsrescue.twin.rig import Watcher, card_for
from bmsrescue.twin.serial_twin import SerialTwin
from bmsrescue.twin.wiring import wired_scenario


def serve_serial(
    name: str,
    card_path: Path | None,
    seed: int,
    tcp: int | None,
    chip: str | None = None,
    wiring: str | None = None,
    as_json: bool = False,
    by_hand: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM. Prints one line, "pty: PATH" or "tcp: socket://HOST:PORT".

    Raises:
        UsageError: no such scenario.
        HostError: the port cannot be had, or the card's file cannot be read.
    """
    scenario = wired_scenario(name, chip, wiring)
    card: ImageBytes | None = card_for(scenario) if card_path is None else load_card(card_path)
    with open_port(tcp) as port:
        place = Place()
        twin = SerialTwin(scenario, card, seed=seed, port=port, watch=place.beside(Watcher()).event)
        if by_hand:  # what they say comes from whoever sits at the host
            place.person = ScriptedPerson(twin.unit, lambda _said, _after_ms, _number: None)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            twin.stop()

        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            tell_port("pty" if tcp is None else "tcp", port.url, as_json)
            twin.run()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
    if card_path is not None and card is not None:
        save_card(card_path, card)


def tell_port(kind: str, url: str, as_json: bool) -> None:
    """Where the helper is, in one line."""
    typer.echo(json.dumps({kind: url}) if as_json else f"{kind}: {url}")


@contextlib.contextmanager
def open_port(tcp: int | None) -> Iterator[PtyPort | TcpPort]:
    """A pty, or the TCP port `tcp`. Raises HostError."""
    try:
        port = PtyPort() if tcp is None else TcpPort(tcp)
    except OSError as error:
        raise HostError(f"the port cannot be had: {error.strerror}", "Choose another one.") from error
    with port:
        yield port
