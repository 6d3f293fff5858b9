"""Who is logged in: kept in the data folder, so that a restart of the daemon sends nobody to the log-in.

What the browser holds is not in the file, only its hash: who reads the file cannot be anybody with it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bmsrescue.card.storage import write_atomically
from bmsrescue.fleet import ledger

FILE_NAME = "sessions.json"
SESSION_S = 12 * 3600.0  # a shift, and what comes after it
_MOST, _MOST_OF_ONE = 1000, 20


@dataclass(frozen=True)
class LogIn:
    """`proof`: the hash of the password, or of the badge, with which it began; it ends with that. `until`: seconds
    since 1970. `badge`: by a badge, which allows less than a password.
    """

    name: str
    proof: str
    until: float
    badge: bool = False


class Sessions:
    """`folder` None: they live as long as this object."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._kept: dict[str, LogIn] = self._read()

    def begin(self, name: str, proof: str, badge: bool = False) -> str:
        """The session's cookie."""
        now = _now()
        self._kept = {key: one for key, one in self._kept.items() if one.until > now}
        own = [key for key, one in self._kept.items() if one.name == name]
        for key in own[: max(0, len(own) - _MOST_OF_ONE + 1)]:  # who logs in without end logs nobody else out
            del self._kept[key]
        while len(self._kept) >= _MOST:
            del self._kept[next(iter(self._kept))]
        key = secrets.token_urlsafe(32)
        self._kept[_digest(key)] = LogIn(name, proof, now + SESSION_S, badge)
        self._write()
        return key

    def of(self, key: str) -> LogIn | None:
        """The log-in of a cookie, while it is good. One from after now was begun before the clock went backwards."""
        found = self._kept.get(_digest(key)) if key else None
        return found if found is not None and 0 < found.until - _now() <= SESSION_S else None

    def end(self, key: str) -> None:
        if self._kept.pop(_digest(key), None) is not None:
            self._write()

    def end_all(self, where: Callable[[LogIn], bool] = lambda _one: True) -> None:
        """Those that fit."""
        self._kept = {key: one for key, one in self._kept.items() if not where(one)}
        self._write()

    def _read(self) -> dict[str, LogIn]:
        # A file that is damaged or somebody else's logs nobody in.
        try:
            told = {} if self._path is None else json.loads(self._path.read_text(encoding="utf-8"))
            return {
                key: LogIn(str(one["name"]), str(one["proof"]), float(one["until"]), one["badge"] is True)
                for key, one in told.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write(self) -> None:
        if self._path is not None:
            told = {key: asdict(one) for key, one in self._kept.items()}
            write_atomically(self._path, json.dumps(told).encode(), private=True)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _now() -> float:
    return ledger.now().timestamp()
