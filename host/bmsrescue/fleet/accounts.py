"""Accounts: who somebody is, and what they may do. Passwords are kept as Argon2 hashes, tokens as SHA-256."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import ApiToken, Operator
from bmsrescue.fleet.models.base import NAME_LENGTH
from bmsrescue.fleet.records.fields import clean
from bmsrescue.fleet.store import Store

VIEWER, OPERATOR, ENGINEER = "viewer", "operator", "engineer"
ROLES = (VIEWER, OPERATOR, ENGINEER)
"""Each may do all that those before it may."""

SEE, STATIONS, DECIDE, HELPERS = "see", "stations", "decide", "helpers"
SCOPES = {
    SEE: "look at everything its account may see",
    STATIONS: "scan, retest, pause, abort",
    DECIDE: "releases, consents, service",
    HELPERS: "move helpers by hand: power, flash, raw SWD",
}
"""What a token may be for, within its account's role. One for stations or decisions may also look."""
_SCOPES_OF_ROLE = {VIEWER: {SEE, STATIONS, DECIDE}, OPERATOR: {STATIONS}, ENGINEER: {DECIDE}}
_RESERVED = ("bench", "owner", "station", "setup", "twin")

MIN_PASSWORD = 10
_MAX_PASSWORD = 256
_MAX_TOKEN_DAYS = 3660
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")
_TOKEN_START = "bmsr_"
# OWASP's setting of Argon2id for little memory: 19 MiB for each log-in, where the library's own is 64 MiB.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class AccessError(HostError):
    """`kind`: "who" (not known, wrong, expired), "slow" (too many wrong tries), "name" or "may_not"."""

    def __init__(self, kind: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.kind = kind


@dataclass(frozen=True)
class Person:
    """Somebody who has shown who they are."""

    name: str
    role: str
    scopes: frozenset[str] | None = None  # of the token; None: all that the role may

    def may(self, role: str, scope: str | None = None) -> bool:
        """Whether the role is enough, and the token is for it."""
        wanted = _SCOPES_OF_ROLE[role] if scope is None else {scope}
        return self._has(role) and (self.scopes is None or bool(self.scopes & wanted))

    def require(self, role: str, scope: str | None = None) -> None:
        """Raises AccessError when the role is not enough, or the token is for something else."""
        if not self._has(role):
            raise AccessError("may_not", f"{self.name} is {self.role}; this takes an {role}", f"Ask an {role}.")
        if not self.may(role, scope):
            told = ", ".join(sorted(self.scopes or ()))
            raise AccessError("may_not", f"this token is for {told} only", "Ask an engineer for another one.")

    def _has(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Key:
    """A token, as far as it may be shown."""

    purpose: str
    expires_at: datetime | None
    expired: bool
    scopes: str | None


@dataclass(frozen=True)
class Account:
    """As the page shows it. `signs_in`: it has a password."""

    name: str
    role: str
    disabled: bool
    signs_in: bool
    changed_at: datetime
    keys: list[Key]


class Accounts:
    """`site`: the ledger in which accounts are decided."""

    def __init__(self, store: Store, site: str) -> None:
        self._store = store
        self._site = site

    def any(self) -> bool:
        """Whether there is an account at all; before the first one, whoever sits at the bench is its engineer."""
        with self._store.read() as session:
            return bool(session.scalar(select(func.count()).select_from(Operator)))

    def all(self) -> list[Account]:
        """By name."""
        keys: dict[str, list[Key]] = {}
        now = ledger.now()
        with self._store.read() as session:
            for key in session.scalars(select(ApiToken).order_by(ApiToken.made_at)):
                expired = key.expires_at is not None and key.expires_at <= now
                keys.setdefault(key.operator, []).append(Key(key.purpose, key.expires_at, expired, key.scopes))
            return [
                Account(one.name, one.role, one.disabled, bool(one.password), one.changed_at, keys.get(one.name, []))
                for one in session.scalars(select(Operator).order_by(Operator.name))
            ]

    def add(self, name: str, role: str, password: str, by: str) -> None:
        """A new account. An empty password allows tokens only. Raises AccessError."""
        if not _NAME.match(name) or name in _RESERVED:
            raise AccessError("name", f"{name[:40]!r} is no name of an account", "Use a-z, 0-9, dot and dash.")
        hashed = _hashed(password) if password else ""
        with self._store.write() as session:
            if session.get(Operator, name) is not None:
                raise AccessError("name", f"there is an account {name} already", "Choose another name.")
            self._put(session, name, role, hashed, False, by, "account added")

    def change(
        self, name: str, by: str, *, role: str | None = None, password: str | None = None, disabled: bool | None = None
    ) -> None:
        """Change what is given. Raises AccessError."""
        hashed = _hashed(password) if password is not None else None
        with self._store.write() as session:
            account = session.get(Operator, name)
            if account is None:
                raise AccessError("name", f"there is no account {name[:40]}")
            if (disabled or (role is not None and role != ENGINEER)) and _is_last_engineer(session, account):
                raise AccessError("name", f"{name} is the last engineer", "Make another one first.")
            self._put(
                session,
                name,
                role or account.role,
                account.password if hashed is None else hashed,
                account.disabled if disabled is None else disabled,
                by,
                "account changed",
            )

    def log_in(self, name: str, password: str) -> Person:
        """Raises AccessError."""
        with self._store.read() as session:
            account = session.get(Operator, name)
            hashed = account.password if account is not None and account.password else _nobodys_hash()
            try:
                _hasher.verify(hashed, password[:_MAX_PASSWORD])
            except (VerificationError, InvalidHashError):
                account = None
            if account is None or not account.password or account.disabled:
                raise AccessError("who", "name or password is wrong", "Try again, or ask an engineer.")
            return Person(account.name, account.role)

    def note(self, name: str, action: str, address: str) -> None:
        """Put a log-in, or one that failed, into the audit log. `name` may be anything that somebody typed."""
        told = clean(name, NAME_LENGTH) or "nobody"
        with self._store.write() as session:
            decide(session, self._site, told, action, told, [], address=clean(address, NAME_LENGTH))

    def note_use(self, who: str, action: str, helper: str, more: dict[str, Any]) -> None:
        """Put into the audit log what somebody does with a helper by hand."""
        with self._store.write() as session:
            decide(session, self._site, who, action, helper, [], **more)

    def present(self, name: str) -> tuple[Person, str]:
        """Who somebody is now, and what changes with the password. Raises AccessError when the account is shut."""
        with self._store.read() as session:
            account = session.get(Operator, name)
            if account is None or account.disabled:
                raise AccessError("who", "this account is shut", "Ask an engineer.")
            return Person(account.name, account.role), account.password

    def make_token(self, name: str, purpose: str, days: int, by: str, scopes: Collection[str] | None = None) -> str:
        """A program's key; it is shown only now. `scopes` None: all that the account may. Raises AccessError."""
        if scopes is not None and (not scopes or not SCOPES.keys() >= set(scopes)):
            raise AccessError("name", "a token is for something", f"Use one or more of {', '.join(SCOPES)}.")
        if not 0 < days <= _MAX_TOKEN_DAYS:
            raise AccessError("name", f"a token is good for 1 to {_MAX_TOKEN_DAYS} days")
        token = _TOKEN_START + secrets.token_urlsafe(32)
        content = {
            "sha256": digest_of(token),
            "operator": name,
            "purpose": purpose[:64],
            "expires_at": (ledger.now() + timedelta(days=days)).isoformat(),
            "scopes": None if scopes is None else " ".join(sorted(set(scopes))),
        }
        with self._store.write() as session:
            if session.get(Operator, name) is None:
                raise AccessError("name", f"there is no account {name[:40]}")
            news = [News(ledger.TOKEN, content)]
            decide(
                session,
                self._site,
                by,
                "token made",
                name,
                news,
                purpose=purpose[:64],
                days=days,
                scopes=content["scopes"],
            )
        return token

    def revoke_tokens(self, name: str, by: str) -> int:
        """All of an account's; returns how many."""
        with self._store.write() as session:
            found = session.scalars(select(ApiToken.sha256).where(ApiToken.operator == name)).all()
            news = [News(ledger.TOKEN, {"sha256": sha256, "revoked": True}) for sha256 in found]
            decide(session, self._site, by, "tokens revoked", name, news, count=len(news))
        return len(found)

    def by_token(self, token: str, at: datetime | None = None) -> Person:
        """Raises AccessError: not known, expired, or the account is disabled."""
        return self.by_digest(digest_of(token), at)

    def by_digest(self, digest: str, at: datetime | None = None) -> Person:
        """The same by the token's `digest_of`."""
        with self._store.read() as session:
            row = session.execute(
                select(ApiToken.expires_at, ApiToken.scopes, Operator.name, Operator.role, Operator.disabled)
                .join(Operator, Operator.name == ApiToken.operator)
                .where(ApiToken.sha256 == digest)
            ).first()
        if row is None or row.disabled:
            raise AccessError("who", "this token is not known", "Ask an engineer for a new one.")
        if row.expires_at is not None and row.expires_at <= (at or ledger.now()):
            raise AccessError("who", "this token has expired", "Ask an engineer for a new one.")
        return Person(row.name, row.role, None if row.scopes is None else frozenset(row.scopes.split()))

    def _put(self, session: Session, name: str, role: str, hashed: str, disabled: bool, by: str, action: str) -> None:
        if role not in ROLES:
            raise AccessError("name", f"{role[:40]!r} is no role", f"Use one of {', '.join(ROLES)}.")
        content = {"name": name, "role": role, "password": hashed, "disabled": disabled}
        decide(session, self._site, by, action, name, [News(ledger.OPERATOR, content)], role=role, disabled=disabled)


def _is_last_engineer(session: Session, account: Operator) -> bool:
    """Nobody else could decide anything, nor change that."""
    others = select(func.count()).where(
        Operator.role == ENGINEER, ~Operator.disabled, Operator.password != "", Operator.name != account.name
    )
    return account.role == ENGINEER and not session.scalar(others)


@cache
def _nobodys_hash() -> str:
    """Somebody who is not known takes as long as a wrong password, so that names cannot be found out."""
    return _hasher.hash(secrets.token_hex())


def _hashed(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        raise AccessError("name", f"a password has {MIN_PASSWORD} to {_MAX_PASSWORD} characters", "Choose another one.")
    return _hasher.hash(password)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
