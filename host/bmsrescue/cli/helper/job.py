"""`bmsrescue diagnose`, `plan`, `recover`: the engine at work on the helper, watched from here."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from bmsrescue.agent.files import make_importable
from bmsrescue.card.build import build_files
from bmsrescue.card.check import JOB_FILE, check_image, read_job
from bmsrescue.card.storage import read_card
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.helper.by_hand import AtTerminal, waits_for_person
from bmsrescue.cli.helper.common import (
    HelperOption,
    YesOption,
    opened,
    progress_bar,
    require_consent,
)
from bmsrescue.cli.helper.probes import (
    ASK,
    HELPER,
    CardOption,
    DevelopmentOption,
    Hands,
    PowerOption,
    ProbeOption,
    hands,
)
from bmsrescue.cli.new_file import check_there
from bmsrescue.cli.output import STYLES, console, show_note
from bmsrescue.cli.render.story import Story
from bmsrescue.client.card_files import put_file
from bmsrescue.client.helper import Helper, consent_words
from bmsrescue.errors import UsageError, from_dict
from rescuelink.errors import LinkError, RescueError
from rescuelink.manifest import NAME as MANIFEST
from rescuelink.outcomes import EXAMINED, NO_FAULT_FOUND, OUTCOMES, RECOVERED, exit_class

_LOOK_FOLDER = "look"  # of the card: a job that is only asked about
_RAILS_MS = 200
_NOTHING_IN_THE_WAY = (RECOVERED, NO_FAULT_FOUND, EXAMINED)
_LOOK = "see with `bmsrescue scan` how it goes on"

JobArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="JOB|IMAGE|CARD",
        help="A job file, firmware, or a card's folder (a signed one for a helper with keys); else the card's own job; "
        "without one a look.",
    ),
]


def diagnose(
    job: JobArgument = None,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    folder: CardOption = None,
    development: DevelopmentOption = False,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judge a stored record (or evidence) again; needs no helper.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with the unit, and change nothing on it."""
    if record is not None:
        with telling_errors(as_json):
            _judge_record(record, as_json)
        return
    with telling_errors(as_json):
        check_there(job, or_folder=True)
    with (
        _at_work(job, wanted, as_json, hands(probe, power, folder, development)) as helper,
        _offered(helper, job, as_json) as offered,
    ):
        found = _watched(helper, as_json, "job.until", "diagnosis", "", offered)
        goes_on = job is None and not as_json and (_has_no_card(helper) or probe is not None)
    if goes_on and found["diagnosis"] is not None and found["diagnosis"]["ends_as"] == EXAMINED:
        words = f" --probe {probe}" if probe is not None else ""
        show_note(f"with a firmware file no card is needed: bmsrescue plan FILE{words}")
    _end_of_look(found, as_json)


def plan(
    job: JobArgument = None,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    folder: CardOption = None,
    development: DevelopmentOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what would be done to the unit, and do none of it."""
    with telling_errors(as_json):
        check_there(job, or_folder=True)
    with (
        _at_work(job, wanted, as_json, hands(probe, power, folder, development)) as helper,
        _offered(helper, job, as_json) as offered,
    ):
        found = _watched(helper, as_json, "job.until", "plan", "", offered)
    _end_of_look(found, as_json)


def recover(
    job: JobArgument = None,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    folder: CardOption = None,
    development: DevelopmentOption = False,
    yes: YesOption = None,
    finish_alone: Annotated[
        bool, typer.Option("--finish-alone", help="The helper goes on even if this host dies meanwhile.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the job: show the plan, ask, cure, prove it, write the record. Ctrl-C stops it safely."""
    with telling_errors(as_json):
        check_there(job, or_folder=True)
    with _at_work(job, wanted, as_json, hands(probe, power, folder, development)) as helper:
        with _offered(helper, job, as_json) as offered:
            words = _agreed(helper, offered, yes, as_json)
        # From here on it is the card's own job, so that a run which is cut can be continued by a press of the button.
        _put_on_card(helper, job, "", as_json)
        record = _watched(helper, as_json, "job.run", finish_alone, words)
    if as_json:
        print_json(record)
    else:
        _summary(record, _place(helper))
    raise typer.Exit(exit_class(str(record["outcome"])))


@contextmanager
def _at_work(job: Path | None, wanted: str | None, as_json: bool, probe: Hands | None) -> Iterator[Helper]:
    """The helper that works on `job`. One without a card moves the wires for the engine on this computer."""
    with ExitStack() as stack:
        helper = stack.enter_context(opened(wanted, as_json, probe))
        if not as_json and probe is not None and probe.power is None and not probe.probe.startswith(HELPER):
            show_note("nobody switches the unit's supply: with --power ask you do, and a cure can be proven")
        if job is not None and probe is None and _has_no_card(helper):
            stack.close()
            here = Hands(f"{HELPER}:{wanted}" if wanted else HELPER, ASK if waits_for_person(as_json) else None)
            helper = stack.enter_context(opened(None, as_json, here))
            if not as_json:
                show_note(f"this helper has no card: job, backup and record are kept in {_place(helper)}")
        yield helper


def _has_no_card(helper: Helper) -> bool:
    return "card" in helper.session.about.get("missing", ())


def _place(helper: Helper) -> str:
    """Where a run leaves its backup and its record."""
    folder = getattr(helper.session, "card_folder", "")
    return folder or ("the helper" if _has_no_card(helper) else "the card")


def _agreed(helper: Helper, folder: str, yes: str | None, as_json: bool) -> str:
    """The words of consent that a person gives to the plan, "" where it needs none. Nothing is changed yet."""
    found = _watched(helper, as_json, "job.until", "plan", "", folder)
    if found["error"]:
        raise _error_of_look(found["error"])
    diagnosis = found["diagnosis"] or {}
    words = ",".join(diagnosis["needs"]) if diagnosis.get("ask") and not found["plan"] else ""
    if words:  # the job leaves it to a person: planned as if allowed, so that the person sees what it comes to
        found = _watched(helper, as_json, "job.until", "plan", words, folder)
        if found["error"]:
            raise _error_of_look(found["error"])
    scope = " and ".join(part for part in (f"allow {words}" if words else "", _scope(found["plan"])) if part)
    if scope:
        require_consent(scope, yes, as_json)
    elif yes is not None:
        raise UsageError(f'--yes "{yes}": this job changes nothing on the unit', "Leave --yes out.")
    return words


@contextmanager
def _offered(helper: Helper, job: Path | None, as_json: bool) -> Iterator[str]:
    """The folder of the card with a job to be asked about, which goes again afterwards; "" is the card's own job."""
    if job is None:
        yield ""
        return
    names = _put_on_card(helper, job, _LOOK_FOLDER + "/", as_json)
    try:
        yield _LOOK_FOLDER
    finally:
        with suppress(RescueError):  # the helper has gone; the next look replaces them
            for name in [*names, _LOOK_FOLDER]:
                helper.session.call("card.remove", name)


def _put_on_card(helper: Helper, job: Path | None, folder: str, as_json: bool) -> list[str]:
    """The job's files onto the card; returns their names there."""
    files = {} if job is None else _files_of(job)
    with progress_bar(as_json) as tell:
        for name, data in files.items():
            put_file(helper.session, folder + name, data, tell)
    return [folder + name for name in files]


def _files_of(job: Path) -> Mapping[str, bytes]:
    """What goes onto the helper's card; of a card's folder what its job needs, signed as it is."""
    if not job.is_dir():
        return build_files(job).files
    files = read_card(job)
    made, _document = read_job(files)
    check_image(made, files)
    return {name: files[name] for name in (made.image.file, MANIFEST, JOB_FILE) if name in files}


def _watched(helper: Helper, as_json: bool, method: str, *params: Any) -> dict[str, Any]:
    """Long work, told as it happens; Ctrl-C asks the helper to stop and waits for it to be safe. The last parameter of
    its methods is how long a person here is waited for."""
    by_hand = waits_for_person(as_json) if getattr(helper.session, "asks", True) else 0  # a probe: with --power ask
    if by_hand:
        params = (*params, by_hand)
    person = AtTerminal(helper.session)
    story = None if as_json else Story(console())
    began = time.monotonic()

    def on_event(name: str, data: Any) -> None:
        nonlocal story
        if story is not None:
            try:
                story.event(round((time.monotonic() - began) * 1000), name, data)
            except (BrokenPipeError, SystemExit):  # rich's answer to a reader that has gone: the work goes on
                story = None
        person.event(name, data)

    with helper.session.watching(on_event):
        # The power-up curve, and live rails all the way: while rails rise or fall they come far more often.
        helper.session.call("rails.stream", 0 if story is None else _RAILS_MS)
        try:
            return stoppable(helper, method, params)
        finally:
            with suppress(RescueError):  # the helper has gone, or still works: it ends with the session
                helper.session.call("rails.stream", 0)


def stoppable(helper: Helper, method: str, params: tuple[Any, ...]) -> dict[str, Any]:
    """The work in a thread of its own, so that Ctrl-C can ask it to stop and still hear how it ended."""
    ended: Future[dict[str, Any]] = Future()

    def work() -> None:
        try:
            ended.set_result(helper.session.run(method, *params))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it was: else the command waits for ever
            ended.set_exception(error)

    threading.Thread(target=work, name=method, daemon=True).start()
    try:
        return ended.result()
    except KeyboardInterrupt:
        show_note("stopping at the next safe point (Ctrl-C again leaves at once)")
        helper.session.cancel()
    try:
        return ended.result()
    except KeyboardInterrupt:
        raise LinkError(
            "cancelled", "left before the helper had stopped", next_step="look with `bmsrescue scan`"
        ) from None


def _error_of_look(told: dict[str, Any]) -> RescueError:
    """Why a look has no diagnosis, or no plan. Nothing was changed by it, whatever it was."""
    error = from_dict(told)
    if error.kind == "cancelled" and not error.next_step:
        error.next_step = "nothing was changed; run it again when you are ready"
    return error


def _scope(made: dict[str, Any] | None) -> str:
    """What the plan destroys, in the words of a consent; "" when nothing is changed."""
    if made and made["regress"]:
        return "erase everything"
    steps = made["steps"] if made else []
    erased = sorted(step["sector"] for step in steps if step["erase"])
    if erased:
        return consent_words(erased)
    written = sorted(step["sector"] for step in steps)
    if written:
        return f"write sectors {','.join(map(str, written))}"
    return "set option bytes" if made and (made["options"] or made["protect"]) else ""


def _end_of_look(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
    diagnosis = found["diagnosis"]
    if diagnosis is None and found["error"]:
        error = _error_of_look(found["error"])
        if as_json:
            raise typer.Exit(1)
        raise error
    if diagnosis is not None and not as_json:
        scope = _scope(found["plan"])
        ends_as = OUTCOMES.get(str(diagnosis["ends_as"]))
        if scope:
            console().print(f"`bmsrescue recover` would {scope}.", soft_wrap=True)
        elif ends_as is not None and diagnosis["ends_as"] != RECOVERED:
            console().print(ends_as.sentence, soft_wrap=True)
    raise typer.Exit(0 if diagnosis and diagnosis["ends_as"] in _NOTHING_IN_THE_WAY else 1)


def _judge_record(path: Path, as_json: bool) -> None:
    """Judge the last record of the file, or the evidence that it is."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {path}: {why}", "Name a record, or a file of records.") from error
    make_importable()
    from rescue.engine.diagnosis import diagnose as rules

    judge = cast(Callable[[dict[str, Any]], dict[str, Any]], rules.diagnose)
    document = _last_document(path, text)
    evidence = document.get("evidence", document)
    if not isinstance(evidence, dict) or "rails" not in evidence:
        raise UsageError(f"{path} holds no evidence", "Name a record as `bmsrescue records --out` writes it.")
    diagnosis = judge(evidence)
    if as_json:
        print_json(diagnosis)
    else:
        story = Story(console())
        story.event(0, "diagnosis", diagnosis)
        before = document.get("diagnosis")
        if isinstance(before, dict) and before.get("cause") != diagnosis["cause"]:
            console().print(f"The record itself says: {before.get('cause')}.")
    raise typer.Exit(0 if diagnosis["ends_as"] in _NOTHING_IN_THE_WAY else 1)


def _last_document(path: Path, text: str) -> dict[str, Any]:
    for candidate in (text, text.rpartition("\n")[2]):
        try:
            document = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    raise UsageError(f"{path} is no JSON object, nor lines of them", "Name a record, or a file of records.")


def _from_here(next_step: str) -> str:
    """A next step in a host's words: there is no button to press."""
    return re.sub(r"\b([Pp])ress again\b", lambda found: f"{'R' if found[1] == 'P' else 'r'}un this again", next_step)


def _summary(record: dict[str, Any], place: str) -> None:
    out = console()
    known = OUTCOMES.get(str(record["outcome"]))
    where = f"on {place}" if place == "the card" else f"in {place}"
    out.print()
    out.print(
        Text.assemble(
            (str(record["outcome"]), STYLES.get(known.colour, "") if known else ""), "  ", record["sentence"]
        ),
        soft_wrap=True,
    )
    if record.get("next_step"):
        out.print(f"Next: {_from_here(str(record['next_step']))}", soft_wrap=True)
    proof = record.get("proof")
    if proof and proof["lines"]:
        out.print(f"Proof: {proof['lines'][0]}.", soft_wrap=True)
    backup = record.get("backup")
    if backup:
        checked = "read back and equal" if backup.get("verified") else "NOT verified"
        out.print(f"Backup {where}: {backup['file']}, {backup['bytes']:,} bytes, {checked}.", soft_wrap=True)
    out.print(
        f"Record {record['sequence']} {where}: {'written' if record['record_saved'] else 'NOT written'}.",
        soft_wrap=True,
    )
