"""--probe, --power and --card: a debug probe in a helper's place, somebody's own or one of the twin."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmsrescue.cli.helper.by_hand import waits_for_person
from bmsrescue.cli.output import show_error, show_note
from bmsrescue.errors import UsageError

if TYPE_CHECKING:
    from bmsrescue.probe.helper_hands import OpenHelper
    from bmsrescue.probe.open import OpenProbe
    from bmsrescue.probe.session import ProbeSession

ASK = "ask"
HELPER = "helper"  # that a helper moves the wires for the engine here
_TWIN = "twin:"

ProbeOption = Annotated[
    str | None,
    typer.Option(
        "--probe",
        metavar="WHICH",
        help="A debug probe: any, stlink, jlink, cmsisdap, its number, remote:HOST; or helper[:NAME]: a helper without "
        "a card, whose job, backup and record are kept here.",
    ),
]
PowerOption = Annotated[
    str | None,
    typer.Option(
        "--power", metavar="HOW", help='With --probe, who switches the unit: "exec:COMMAND {on,off}", or ask.'
    ),
]
CardOption = Annotated[
    Path | None, typer.Option("--card", metavar="FOLDER", help="With --probe, the folder that is the card.")
]
DevelopmentOption = Annotated[
    bool,
    typer.Option("--development", help="With --probe, run any job, signed or not, also where keys are trusted."),
]


@dataclass(frozen=True)
class Hands:
    """What a person has said of the probe, who switches, where the card is, and whether any job is run."""

    probe: str
    power: str | None = None
    card: Path | None = None
    development: bool = False


def hands(
    probe: str | None, power: str | None = None, card: Path | None = None, development: bool = False
) -> Hands | None:
    """What --probe, --power, --card and --development say; None where they say nothing."""
    if probe is None and power is None and card is None and not development:
        return None
    return Hands(probe or "", power, card, development)


def open_probe_session(wanted: Hands, as_json: bool) -> ProbeSession:
    """The agent on this host with that probe, and what it cannot is told. Raises UsageError, HostError, LinkError."""
    if not wanted.probe:
        option = "--power" if wanted.power else "--card" if wanted.card else "--development"
        raise UsageError(f"{option} is for a probe", "Give --probe, or leave it out.")
    from bmsrescue.probe.start import start  # pyOCD takes a second to import
    from bmsrescue.probe.supply import PLACE

    if wanted.power == ASK and not waits_for_person(as_json):
        raise UsageError("--power ask: nobody is at this terminal to be asked", f'Give --power "exec:COMMAND {PLACE}".')
    command = None if wanted.power == ASK else wanted.power
    if wanted.probe.startswith(_TWIN):
        session, found = _twin(wanted, command)
    else:
        session, found = start(wanted.probe, command, wanted.card, development=wanted.development)
    session.asks = wanted.power == ASK
    session.add_closing(lambda: _tell_late(session))
    if not as_json:
        show_note(f"{found.name}, firmware {found.firmware or 'of unknown version'}")
        for remark in found.remarks:
            show_note(f"{remark.sentence}: {remark.next_step}")
        show_note(f"this {_noun(found)} cannot see or switch {', '.join(found.cannot())}")
    return session


def _noun(found: OpenProbe | OpenHelper) -> str:
    return HELPER if found.kind == HELPER else "probe"


def _tell_late(session: ProbeSession) -> None:
    for error in session.late_errors:
        show_error(error.message, error.next_step)


def _twin(wanted: Hands, command: str | None) -> tuple[ProbeSession, OpenProbe | OpenHelper]:
    """twin:UNIT[:KIND]: a broken unit of the virtual bench with a probe in software, on virtual time."""
    from bmsrescue.probe.start import start
    from bmsrescue.twin.probes.bench import ProbeBench, SwitchedByHand, TwinSupply
    from bmsrescue.twin.rig import scenario_named
    from bmsrescue.twin.scenarios.scenario import build_unit

    _, _, rest = wanted.probe.partition(":")
    unit, _, kind = rest.partition(":")
    bench = ProbeBench(build_unit(scenario_named(unit)), kind or "stlink")
    with ExitStack() as stack:
        stack.enter_context(bench.plugged_in())
        session, found = start(
            None,
            command,
            wanted.card,
            development=wanted.development,
            clock=bench.clock,
            switch=lambda supply: TwinSupply(bench.unit, supply),
        )
        session.add_closing(stack.pop_all().close)
    if wanted.power == ASK:
        by_hand = SwitchedByHand(bench.unit)
        session.watch_always(by_hand.event)
        session.hear_answers(by_hand.answered)
    return session, found
