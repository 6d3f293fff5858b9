"""Which helper, and which way to it: through the daemon when it runs and has it, else by its port."""

from bmsrescue.client.finding import Found, find_helpers, name_for
from bmsrescue.client.session import DirectSession, Session
from bmsrescue.config import chosen_helper, data_dir, load_config
from bmsrescue.errors import UsageError
from rescuelink.errors import LinkError

_PLUG_IN = "plug one in, name one with --helper URL, or see `bmsrescue scan`"


def open_session(option: str | None = None) -> Session:
    """The helper that was named, or the only one there is.

    `option` (then BMSRESCUE_HELPER, then the configuration) is a name as `scan` shows it, or a port's URL.

    Raises:
        UsageError: several helpers, and none is named.
        LinkError: "no_helper", or why the helper cannot be opened.
    """
    # Imported here: a command on a port of its own needs neither HTTP nor WebSockets.
    from bmsrescue.client.daemon_client import DaemonSession, running_daemon

    config = load_config()
    wanted = chosen_helper(option, config)
    daemon = running_daemon(data_dir())
    if daemon is not None:
        names = {status["name"]: status["url"] for status in daemon.helpers()}
        name = _choose(wanted, names, "the daemon has")
        if name is not None:
            return DaemonSession(daemon, name)
        daemon.close()
    found = {helper.name: helper.url for helper in find_helpers(config)}
    name = _choose(wanted, found, "there are")
    if name is not None:
        return DirectSession(name, found[name])
    if not wanted:
        raise LinkError("no_helper", "there is no helper", next_step=_PLUG_IN)
    if not _is_url(wanted):
        raise LinkError("no_helper", f"there is no helper {wanted}", next_step=_PLUG_IN)
    return DirectSession(name_for(wanted), wanted)


def known() -> list[Found]:
    """Every helper: those of the daemon when it runs, then the configured ones and those on USB that it has not."""
    from bmsrescue.client.daemon_client import running_daemon

    daemon = running_daemon(data_dir())
    rows = [] if daemon is None else daemon.helpers()
    if daemon is not None:
        daemon.close()
    served = [Found(row["name"], row["url"], row["what"], usb=False) for row in rows]
    urls = {helper.url for helper in served}
    return served + [helper for helper in find_helpers(load_config()) if helper.url not in urls]


def _choose(wanted: str, known: dict[str, str], whose: str) -> str | None:
    if wanted:
        return next((name for name, url in known.items() if wanted in (name, url)), None)
    if len(known) > 1:
        raise UsageError(f"{whose} {len(known)} helpers: {', '.join(known)}", "Name one with --helper.")
    return next(iter(known), None)


def _is_url(text: str) -> bool:
    return "/" in text or "://" in text or text.upper().startswith("COM")
