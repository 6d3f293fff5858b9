"""`bmsrescue scan`, `info`, `log`: what is there, and what has happened."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.exit_status import HELPER
from bmsrescue.cli.helper.common import HelperOption, opened, power_in_words
from bmsrescue.cli.output import console, in_words, show_error, show_facts
from bmsrescue.client.choose import open_session
from bmsrescue.client.finding import find_helpers
from bmsrescue.client.records import fetch_log
from bmsrescue.client.session import open_link
from bmsrescue.config import chosen_helper, data_dir, load_config
from bmsrescue.errors import UsageError
from rescuelink.errors import RescueError

if TYPE_CHECKING:
    from bmsrescue.client.daemon_client import DaemonClient

_SHOWN_DATA = 90
_LOOK_S = 3.0  # at a port that may be anything
_TITLES = {"window_bytes": "window", "last_end": "last session's end", "interrupted": "interrupted job"}
_SAYINGS = {
    "found": "{what}, {url}",
    "connected": "agent {agent} on {board}, {helper}",
    "absent": "{message}",
    "interrupted": "{method} in {step}",
    "step": "{name}",
    "step-end": "{name} {outcome}, {ms} ms",
    "diagnosis": "{sentence} ({cause}, {confidence})",
    "error": "{message} ({kind})",
    "outcome": "{outcome}: {sentence}",
    "change": "{what}: {outcome}",
}
_FREQUENT = ("rails", "progress")


def scan(helper: HelperOption = None, as_json: JsonOption = False) -> None:
    """List the helpers: on USB, configured, or named by --helper."""
    from bmsrescue.client.daemon_client import running_daemon

    with telling_errors(as_json):
        daemon = running_daemon(data_dir())
        rows = [] if daemon is None else daemon.helpers()
        known = {row["url"] for row in rows} | {row["name"] for row in rows}
        config = load_config()
        wanted = chosen_helper(helper, config)
        urls = (wanted,) if wanted and wanted not in known and wanted not in config.helpers else ()
        rows += [
            _look_at(found.name, found.url, found.what)
            for found in find_helpers(config, urls)
            if found.url not in known
        ]
    if as_json:
        print_json(rows)
    elif rows:
        console().print(_helpers_table(rows))
    else:
        show_error("there is no helper", "Plug one in, or name its port with --helper URL.")
    if not any(row["about"] for row in rows):
        raise typer.Exit(HELPER)


def info(wanted: HelperOption = None, as_json: JsonOption = False) -> None:
    """What a helper says of itself: agent, board, heap, and whether the unit is powered."""
    with opened(wanted, as_json) as helper:
        facts = helper.session.call("helper.info")
        facts["power"] = helper.power_status()
        facts["through_daemon"] = helper.session.lasting
    if as_json:
        print_json(facts)
        return
    show_facts([(_TITLES.get(key, key.replace("_", " ")), _fact(key, value)) for key, value in sorted(facts.items())])


def log(
    helper: HelperOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Rails and progress as well.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as things happen, until Ctrl-C.")] = False,
    own: Annotated[bool, typer.Option("--own", help="The helper's own log, also while the daemon runs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What happened: the daemon's events (the newest 4,000), or without a daemon the helper's own log."""
    from bmsrescue.client.daemon_client import running_daemon

    with telling_errors(as_json):
        daemon = None if own else running_daemon(data_dir())
        if daemon is None:
            if follow:
                raise UsageError("only a daemon's events can be followed", "Start one with `bmsrescue serve`.")
            _tell_own_log(helper, as_json)
            return
        name = chosen_helper(helper, load_config())
        if not follow:
            for event in daemon.events(name):
                _tell_event(event, everything, as_json)
            return
        with suppress(KeyboardInterrupt):
            _follow(daemon, name, everything, as_json)


def _fact(key: str, value: Any) -> str:
    if key == "power":
        return power_in_words(value)
    if key == "last_end" and value is not None:
        return f"{value['why']}, during {value['during']}" if value["during"] else str(value["why"])
    if key == "interrupted" and value is not None:
        return f"job {value['job']} on unit {value['uid']} in sector {value['sector']}: run it again"
    if key in ("heap_free", "window_bytes") and value is not None:
        return f"{value:,} bytes"
    if key == "missing" and not value:
        return "nothing"
    return ", ".join(value) if isinstance(value, list) else in_words(value)


def _tell_own_log(helper: str | None, as_json: bool) -> None:
    with open_session(helper) as session:
        lines = fetch_log(session)
    for at_ms, word, text in lines:
        if as_json:
            typer.echo(json.dumps({"ms": at_ms, "name": word, "data": text}))
        else:
            console().print(f"{at_ms / 1000:10.3f} s  {word:<7}  {text}", markup=False, soft_wrap=True)
    if not lines and not as_json:
        console().print("The helper's log is empty.")


def _follow(daemon: DaemonClient, name: str, everything: bool, as_json: bool) -> None:
    with daemon.open_events(name, after=0) as stream:
        for message in stream:
            _tell_event(json.loads(message), everything, as_json)


def _look_at(name: str, url: str, what: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "url": url, "what": what, "state": "ready", "about": None, "error": None}
    try:
        link, row["about"] = open_link(url, hello_s=_LOOK_S)
        link.close()
    except RescueError as error:
        row |= {"state": "absent", "error": error.to_dict()}
    return row


def _helpers_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("name", "port", "state", "what"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(row["name"], row["url"], row["state"], _in_words(row))
        if row.get("interrupted"):
            step = row["interrupted"].get("step") or "its start"
            table.add_row("", "", "", f"{row['interrupted']['method']} was interrupted in {step}: run it again")
    return table


def _in_words(row: dict[str, Any]) -> str:
    about, error = row["about"], row["error"]
    if about:
        jobs = ", runs signed jobs only" if about.get("jobs") == "signed" else ""
        return f"agent {about['agent']} on {about['board']}, {row['what']}{jobs}"
    return str(error["message"]) if error else "is being opened"


def _tell_event(event: dict[str, Any], everything: bool, as_json: bool) -> None:
    if event["name"] in _FREQUENT and not everything:
        return
    if as_json:
        typer.echo(json.dumps(event))
        return
    at = datetime.fromtimestamp(event["at"]).strftime("%H:%M:%S.%f")[:-3]
    console().print(
        f"{event['number']:6d}  {at}  {event['helper']}  {event['name']:<11}  {_said(event['name'], event['data'])}",
        markup=False,
        soft_wrap=True,
    )


def _said(name: str, data: Any) -> str:
    """What an event says, on one line."""
    known = _SAYINGS.get(name)
    if known is not None and isinstance(data, dict):
        return known.format_map(data)
    if name == "job" and isinstance(data, dict):
        error = f": {data['error']['message']}" if data["error"] else ""
        return f"{data['method']} {data['state']}{error}"
    if name == "plan" and isinstance(data, dict):
        return "; ".join(data["lines"])
    words = "" if data is None else json.dumps(data)
    return words if len(words) <= _SHOWN_DATA else words[:_SHOWN_DATA] + "…"
