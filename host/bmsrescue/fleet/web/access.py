"""Who is asking: a session's cookie from the page, a token from a program; nobody has to before there are accounts."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from bmsrescue.door.guard import is_here
from bmsrescue.door.owner import NAME, is_owner
from bmsrescue.fleet.accounts import ENGINEER, HELPERS, OPERATOR, VIEWER, AccessError, Accounts, Person
from bmsrescue.fleet.web.login_limit import LoginLimit

COOKIE = "bmsrescue_session"
_SESSION_S = 12 * 3600.0  # a shift, and what comes after it
_MAX_SESSIONS = 1000
_MOST_FAILED, _FAILED_S = 20, 600.0
_AT_THE_BENCH = Person("bench", ENGINEER)
_OWNER = Person(NAME, ENGINEER)


@dataclass
class _Session:
    name: str
    password: str  # its hash when the session began
    until: float


class Access:
    """Sessions live as long as the daemon; they end with the account and with its password."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._sessions: dict[str, _Session] = {}
        self._any_account = False
        self._limit = LoginLimit()
        self._failed = 0  # log-ins since a while ago
        self._failed_until = 0.0

    def log_in(self, name: str, password: str, address: str) -> str:
        """The session's cookie. Raises AccessError."""
        person = self.check_password(name, password, address)
        self.accounts.note(name, "logged in", address)
        now = time.monotonic()
        self._sessions = {key: one for key, one in self._sessions.items() if one.until > now}
        while len(self._sessions) >= _MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        key = secrets.token_urlsafe(32)
        self._sessions[key] = _Session(person.name, self.accounts.present(person.name)[1], now + _SESSION_S)
        return key

    def check_password(self, name: str, password: str, address: str) -> Person:
        """Within the limits of trying. Raises AccessError."""
        self._limit.begin(name, address)
        try:
            person = self._limit.alone(lambda: self.accounts.log_in(name, password))
        except AccessError as error:
            if error.kind != "slow":
                self._note_failed(name, address)
            raise
        self._limit.right(name, address)
        return person

    def _note_failed(self, name: str, address: str) -> None:
        """In the audit log; whoever tries without end does not fill the disk with it."""
        now = time.monotonic()
        if now >= self._failed_until:
            self._failed, self._failed_until = 0, now + _FAILED_S
        self._failed += 1
        if self._failed <= _MOST_FAILED:
            last = self._failed == _MOST_FAILED
            self.accounts.note(name, "log-in failed, more are not listed" if last else "log-in failed", address)

    def log_out(self, key: str) -> None:
        self._sessions.pop(key, None)

    def admit(self, connection: HTTPConnection) -> str:
        """Who may move helpers by hand: an engineer, by a session, a token for it, or the owner's socket."""
        person = self.person(connection)
        person.require(ENGINEER, HELPERS)
        return person.name

    def person(self, request: HTTPConnection) -> Person:
        """Raises AccessError."""
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.accounts.by_token(token.strip())
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is not None and session.until > time.monotonic():
            person, password = self.accounts.present(session.name)
            if password == session.password:
                return person
        if is_owner(request.scope):
            return _OWNER
        self._any_account = self._any_account or self.accounts.any()
        if not self._any_account and is_here(request):
            return _AT_THE_BENCH
        raise AccessError("who", "you are not logged in", "Log in, or send a token.")


def _viewer(request: Request) -> Person:
    access: Access = request.app.state.access
    person = access.person(request)
    person.require(VIEWER)
    return person


def _operator(request: Request) -> Person:
    person = _viewer(request)
    person.require(OPERATOR)
    return person


def _engineer(request: Request) -> Person:
    person = _viewer(request)
    person.require(ENGINEER)
    return person


Viewing = Annotated[Person, Depends(_viewer)]
Working = Annotated[Person, Depends(_operator)]
Deciding = Annotated[Person, Depends(_engineer)]
