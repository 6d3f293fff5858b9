"""Who is asking: a session's cookie from the page, a token from a program; nobody has to before there are accounts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from bmsrescue.door.guard import is_here
from bmsrescue.door.owner import NAME, is_owner
from bmsrescue.fleet.accounts import (
    ENGINEER,
    HELPERS,
    OPERATOR,
    SCOPES,
    SEE,
    STATIONS,
    VIEWER,
    AccessError,
    Accounts,
    Person,
    digest_of,
)
from bmsrescue.fleet.web.login_limit import LoginLimit
from bmsrescue.fleet.web.sessions import Sessions

COOKIE = "bmsrescue_session"
_MOST_FAILED, _FAILED_S = 20, 600.0
_AT_THE_BENCH = Person("bench", ENGINEER)
_OWNER = Person(NAME, ENGINEER)


class Access:
    """Sessions end with the account, with its password, or with the badge; `folder`: where they outlive the daemon."""

    def __init__(self, accounts: Accounts, folder: Path | None = None, only_looks: bool = False) -> None:
        self.accounts = accounts
        self._only_looks = only_looks  # nobody may do more than see, and nothing is put down
        self.sessions = Sessions(folder)
        self._any_account = False
        self._limit = LoginLimit()
        self._failed = 0  # log-ins since a while ago
        self._failed_until = 0.0

    def log_in(self, name: str, password: str, address: str) -> str:
        """The session's cookie. Raises AccessError."""
        person = self.check_password(name, password, address)
        self._note(name, "logged in", address)
        return self.sessions.begin(person.name, self.accounts.present(person.name)[1])

    def log_in_by_badge(self, badge: str, address: str) -> str:
        """The same by a badge: the session may do an operator's work and no more. Raises AccessError."""
        name = "a badge"
        self._limit.begin(name, address)
        try:
            person = self.accounts.by_token(badge)
            person.require(OPERATOR, STATIONS)
        except AccessError:
            self._note_failed(name, address)
            raise
        self._limit.right(name, address)
        self._note(person.name, "logged in by badge", address)
        return self.sessions.begin(person.name, digest_of(badge), badge=True)

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
            self._note(name, "log-in failed, more are not listed" if last else "log-in failed", address)

    def _note(self, name: str, action: str, address: str) -> None:
        if not self._only_looks:
            self.accounts.note(name, action, address)

    def log_out(self, key: str) -> None:
        self.sessions.end(key)

    def admit(self, connection: HTTPConnection) -> str:
        """Who may move helpers by hand: an engineer, by a session, a token for it, or the owner's socket."""
        person = self.person(connection)
        person.require(ENGINEER, HELPERS)
        return person.name

    def may_send_much(self, connection: HTTPConnection) -> bool:
        """An engineer, whatever the token is for."""
        try:
            return self.person(connection).role == ENGINEER
        except AccessError:
            return False

    def person(self, request: HTTPConnection) -> Person:
        """Raises AccessError."""
        found = self._person(request)
        return Person(found.name, VIEWER, found.scopes) if self._only_looks else found

    def _person(self, request: HTTPConnection) -> Person:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.accounts.by_token(token.strip())
        session = self.sessions.of(request.cookies.get(COOKIE, ""))
        if session is not None and session.badge:
            found = self.accounts.by_digest(session.proof)
            return Person(found.name, OPERATOR, frozenset((SEE, STATIONS)))
        if session is not None:
            person, password = self.accounts.present(session.name)
            if password == session.proof:
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


def _governor(request: Request) -> Person:
    person = _engineer(request)
    for scope in SCOPES:  # whoever makes accounts and tokens can make one that may all of this
        person.require(ENGINEER, scope)
    return person


Viewing = Annotated[Person, Depends(_viewer)]
Working = Annotated[Person, Depends(_operator)]
Deciding = Annotated[Person, Depends(_engineer)]
Governing = Annotated[Person, Depends(_governor)]
