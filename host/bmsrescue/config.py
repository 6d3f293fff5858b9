"""Where things are, and what a person has set: a small TOML file and a data folder at the platform's usual places.

# $BMSRESCUE_CONFIG, or bmsrescue/config.toml in the user's configuration folder
helper = "bench-2"            # which helper, when there are several

[daemon]
host = "127.0.0.1"
port = 8725
uds = ""                      # a Unix socket's path instead of host and port
names = []                    # names that the bench is known by, besides the address itself: "bench2.example"
cert = ""                     # TLS: the certificate's file, with those that lead to its CA
key = ""                      # and its key's
proxies = []                  # addresses of proxies whose X-Forwarded-For and -Proto are believed; nobody else's are

[records]
bench = "hall 2"              # what this bench is called where several share their records
shared = ""                   # postgresql://host/name: where the benches share them
backups = ""                  # a folder or an fsspec URL instead of the data folder
signed_only = false           # true: records of helpers of which no key is known here are set aside
webhook = ""                  # a URL that is told of each attempt
webhook_secret = ""           # "whsec_..." that signs it; without one it is in the data folder's webhook-secret

[stations]                    # see bmsrescue.fleet.stations.settings
label = "BR16S-[0-9]{8}"

[helpers.bench-2]             # a helper that is not found by its USB ID
url = "socket://192.168.7.2:4000"

[[usb]]                       # further boards that are helpers
vid = 0x1209
pid = 0xADDA
what = "our own board"
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from bmsrescue.errors import UsageError

_NAME = "bmsrescue"
_CONFIG_VARIABLE = "BMSRESCUE_CONFIG"
_DATA_VARIABLE = "BMSRESCUE_DATA"
_HELPER_VARIABLE = "BMSRESCUE_HELPER"

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8725


@dataclass(frozen=True)
class UsbId:
    """A kind of board on USB that may be a helper."""

    vid: int
    pid: int
    what: str


@dataclass(frozen=True)
class DaemonAddress:
    """Where the daemon listens: a Unix socket when `uds` is given, else a TCP port."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    uds: str = ""
    names: tuple[str, ...] = ()
    cert: str = ""
    key: str = ""
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordsPlace:
    """Where records and backups go besides the data folder; "" is nowhere."""

    bench: str = "bench"
    shared: str = ""
    backups: str = ""
    webhook: str = ""
    webhook_secret: str = field(default="", repr=False)
    signed_only: bool = False


@dataclass(frozen=True)
class Config:
    """What a person has set; everything has a default."""

    helper: str = ""
    daemon: DaemonAddress = field(default_factory=DaemonAddress)
    helpers: dict[str, str] = field(default_factory=dict)
    usb: tuple[UsbId, ...] = ()
    records: RecordsPlace = field(default_factory=RecordsPlace)
    stations: dict[str, Any] = field(default_factory=dict)  # as bmsrescue.fleet.stations.settings reads it


def config_path() -> Path:
    """The file of `load_config`, whether it exists or not."""
    chosen = os.environ.get(_CONFIG_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_config_path(_NAME) / "config.toml"


def data_dir() -> Path:
    """Where the host keeps what it must not forget: interrupted jobs, backups before an erase, the shell's history."""
    chosen = os.environ.get(_DATA_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path(_NAME)


def chosen_helper(option: str | None, config: Config) -> str:
    """The helper somebody named: the option, `BMSRESCUE_HELPER`, or the configuration's; "" when nobody did."""
    return option or os.environ.get(_HELPER_VARIABLE) or config.helper


def load_config(path: Path | None = None) -> Config:
    """The configuration; the defaults where there is no file.

    Raises:
        UsageError: the file cannot be read, is no TOML, or holds what bmsrescue does not know.
    """
    path = path or config_path()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "Check its permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML ({error})", "Correct it at that place.") from error
    return _Reader(path).config(document)


class _Reader:
    """Takes the document apart; whatever it does not know is an error, so that a typing mistake is noticed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def config(self, document: dict[str, Any]) -> Config:
        self._only(document, "", "helper", "daemon", "helpers", "usb", "records", "stations")
        daemon = self._table(document, "daemon")
        self._only(daemon, "daemon.", "host", "port", "uds", "names", "cert", "key", "proxies")
        helpers = self._table(document, "helpers")
        records = self._table(document, "records")
        self._only(records, "records.", "bench", "shared", "backups", "webhook", "webhook_secret", "signed_only")
        return Config(
            helper=self._value(document, "helper", str, ""),
            daemon=DaemonAddress(
                host=self._value(daemon, "host", str, DEFAULT_HOST),
                port=self._port(self._value(daemon, "port", int, DEFAULT_PORT)),
                uds=self._value(daemon, "uds", str, ""),
                names=self._texts(daemon, "names"),
                cert=self._value(daemon, "cert", str, ""),
                key=self._value(daemon, "key", str, ""),
                proxies=self._texts(daemon, "proxies"),
            ),
            helpers={name: self._url(name, self._table(helpers, name)) for name in helpers},
            usb=tuple(self._usb(entry) for entry in self._value(document, "usb", list, [])),
            stations=self._table(document, "stations"),
            records=RecordsPlace(
                **{key: self._value(records, key, str, "") for key in records if key != "signed_only"},
                signed_only=self._value(records, "signed_only", bool, False),
            ),
        )

    def _url(self, name: str, table: dict[str, Any]) -> str:
        self._only(table, f"helpers.{name}.", "url")
        url = self._value(table, "url", str, "")
        if not url or not name.replace("-", "").replace("_", "").isalnum():
            raise self._wrong(f"helpers.{name} needs an url, and a name of letters, digits and dashes")
        return str(url)

    def _usb(self, entry: object) -> UsbId:
        if not isinstance(entry, dict):
            raise self._wrong("an entry of usb is no table")
        self._only(entry, "usb.", "vid", "pid", "what")
        vid, pid = self._value(entry, "vid", int, -1), self._value(entry, "pid", int, -1)
        if not (0 <= vid <= 0xFFFF and 0 <= pid <= 0xFFFF):
            raise self._wrong("an entry of usb needs vid and pid, each of 16 bits")
        return UsbId(vid, pid, self._value(entry, "what", str, "configured board"))

    def _port(self, port: int) -> int:
        if not 0 <= port <= 65535:
            raise self._wrong(f"daemon.port is {port}")
        return port

    def _texts(self, table: dict[str, Any], key: str) -> tuple[str, ...]:
        found = self._value(table, key, list, [])
        if not all(isinstance(one, str) and one for one in found):
            raise self._wrong(f"{key} is no list of texts")
        return tuple(found)

    def _table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        found: dict[str, Any] = self._value(table, key, dict, {})
        return found

    def _value(self, table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
        value = table.get(key, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._wrong(f"{key} is {value!r}")
        return value

    def _only(self, table: dict[str, Any], where: str, *known: str) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(f"{where}{key} is unknown (known: {', '.join(known)})")

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"{self._path}: {what}", "Correct it, or remove the line.")
