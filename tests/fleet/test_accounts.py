"""Who may do what: passwords, tokens, roles, and the audit of each change."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, OPERATOR, VIEWER, AccessError, Accounts, Person
from bmsrescue.fleet.models import ApiToken, AuditEntry, LedgerEntry, Operator
from bmsrescue.fleet.store import Store

PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(store: Store) -> Accounts:
    with store.write() as session:
        bench = ledger.own_site(session)
    made = Accounts(store, bench)
    made.add("eva", ENGINEER, PASSWORD, "setup")
    return made


def test_a_password_opens_the_account_and_a_wrong_one_does_not(accounts: Accounts) -> None:
    assert accounts.log_in("eva", PASSWORD) == Person("eva", ENGINEER)
    for name, password in (
        ("eva", "wrong"),
        ("nobody", PASSWORD),
        ("eva", ""),
        ("' OR 1=1 --", "x"),
        ("eva", "x" * 9999),
    ):
        with pytest.raises(AccessError, match="name or password is wrong"):
            accounts.log_in(name, password)


def test_neither_password_nor_token_is_anywhere_in_the_store(store: Store, accounts: Accounts) -> None:
    token = accounts.make_token("eva", "line 3", 30, "eva")
    with store.read() as session:
        kept = [row.body for row in session.scalars(select(LedgerEntry))]
        kept += [row.password for row in session.scalars(select(Operator))]
        kept += [row.sha256 for row in session.scalars(select(ApiToken))]
    assert not any(PASSWORD in text or token in text for text in kept)


def test_the_last_engineer_can_neither_be_shut_nor_lose_the_role(accounts: Accounts) -> None:
    for change in ({"disabled": True}, {"role": OPERATOR}):
        with pytest.raises(AccessError, match="eva is the last engineer"):
            accounts.change("eva", "eva", **change)  # type: ignore[arg-type]
    accounts.change("eva", "eva", password="another good one")
    assert accounts.log_in("eva", "another good one").role == ENGINEER


def test_a_disabled_account_is_shut_for_passwords_and_tokens(accounts: Accounts) -> None:
    accounts.add("otto", ENGINEER, PASSWORD, "eva")
    token = accounts.make_token("eva", "line 3", 30, "eva")
    accounts.change("eva", "otto", disabled=True)
    with pytest.raises(AccessError):
        accounts.log_in("eva", PASSWORD)
    with pytest.raises(AccessError):
        accounts.by_token(token)
    accounts.change("eva", "otto", disabled=False)
    assert accounts.log_in("eva", PASSWORD).role == ENGINEER


def test_a_token_expires_and_can_be_revoked(accounts: Accounts) -> None:
    token = accounts.make_token("eva", "line 3", 30, "eva")
    assert accounts.by_token(token) == Person("eva", ENGINEER)
    with pytest.raises(AccessError, match="expired"):
        accounts.by_token(token, ledger.now() + timedelta(days=31))
    with pytest.raises(AccessError, match="not known"):
        accounts.by_token(token + "x")
    assert accounts.revoke_tokens("eva", "eva") == 1
    with pytest.raises(AccessError, match="not known"):
        accounts.by_token(token)


def test_each_role_may_do_what_those_before_it_may() -> None:
    Person("otto", OPERATOR).require(VIEWER)
    Person("eva", ENGINEER).require(OPERATOR)
    with pytest.raises(AccessError, match="otto is operator; this takes an engineer"):
        Person("otto", OPERATOR).require(ENGINEER)


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("Otto", OPERATOR, PASSWORD),
        ("<b>", OPERATOR, PASSWORD),
        ("", OPERATOR, PASSWORD),
        ("otto", "root", PASSWORD),
        ("otto", OPERATOR, "short"),
        ("eva", OPERATOR, PASSWORD),
    ],
)
def test_what_makes_no_account_is_refused(accounts: Accounts, name: str, role: str, password: str) -> None:
    with pytest.raises(AccessError):
        accounts.add(name, role, password, "eva")


def test_every_change_is_in_the_audit_log_with_who_made_it(store: Store, accounts: Accounts) -> None:
    accounts.add("otto", OPERATOR, PASSWORD, "eva")
    accounts.change("otto", "eva", role=VIEWER)
    accounts.make_token("otto", "screen", 7, "eva")
    with store.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [(entry.actor, entry.action, entry.subject) for entry in entries] == [
        ("setup", "account added", "eva"),
        ("eva", "account added", "otto"),
        ("eva", "account changed", "otto"),
        ("eva", "token made", "otto"),
    ]
    assert entries[2].details == {"role": VIEWER, "disabled": False}
