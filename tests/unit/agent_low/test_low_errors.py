"""Errors as facts and sentences, and consent that nothing else can make."""

import json

import pytest

from bmsrescue.errors import from_dict
from rescuelink.consent import ERASE, OPTION_BYTES, PROGRAM, RDP_REGRESSION, Consent
from rescuelink.errors import (
    CardError,
    ConsentError,
    FlashError,
    JobError,
    PowerError,
    RescueError,
    TargetError,
    WireError,
)


def test_an_error_becomes_a_sentence_with_where_when_and_what_to_do() -> None:
    error = FlashError("write_protected", "the flash controller reports WRPERR", 0x08020000)
    error.phase = "act"
    error.next_step = "remove the write protection of sector 1"
    assert error.sentence() == (
        "Act: the flash controller reports WRPERR at 0x08020000. Remove the write protection of sector 1."
    )


def test_an_error_without_address_phase_or_advice_is_still_a_sentence() -> None:
    assert WireError("no_ack", "nothing answers on SWD").sentence() == "Nothing answers on SWD."
    assert str(CardError("full", "the card is full")) == "The card is full."


@pytest.mark.parametrize(
    "kind", [RescueError, WireError, TargetError, FlashError, PowerError, CardError, JobError, ConsentError]
)
def test_every_error_survives_the_record(kind: type[RescueError]) -> None:
    error = kind("some_kind", "something happened", 0x20000000, "verify", "look again")
    again = from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(again) is kind
    assert again.to_dict() == error.to_dict()


def test_an_error_of_a_later_version_is_kept_as_a_plain_one() -> None:
    error = from_dict({"error": "QuantumError", "kind": "new", "message": "never seen"})
    assert type(error) is RescueError
    assert (error.kind, error.message, error.address) == ("new", "never seen", None)


def test_a_consent_allows_its_scopes_and_its_sectors_only() -> None:
    consent = Consent((ERASE, PROGRAM), "policy:golden-1.2", (1, 2))
    consent.require(ERASE, 1)
    consent.require(PROGRAM, 2)
    for scope, sector in ((ERASE, 0), (PROGRAM, 7), (ERASE, None), (OPTION_BYTES, None), (RDP_REGRESSION, None)):
        assert not consent.allows(scope, sector)
        with pytest.raises(ConsentError):
            consent.require(scope, sector)


def test_scopes_that_are_not_about_sectors_need_none() -> None:
    Consent((RDP_REGRESSION,), "operator:typed the unit's serial number").require(RDP_REGRESSION)


@pytest.mark.parametrize("scope", ["rdp-level-2", "pcrop", "security", "pwr-cr3", "mass-erase", ""])
def test_nothing_can_allow_what_is_never_done(scope: str) -> None:
    with pytest.raises(ConsentError):
        Consent((scope,), "operator:insisted")


@pytest.mark.parametrize("by", ["", "me", "policy:", "operator:", "engine:cure"])
def test_only_a_policy_or_an_operator_can_consent(by: str) -> None:
    with pytest.raises(ConsentError):
        Consent((ERASE,), by, (0,))


def test_a_consent_can_be_journalled() -> None:
    consent = Consent((ERASE,), "operator:long press", (3,))
    assert json.loads(json.dumps(consent.to_dict())) == {
        "scopes": ["erase"],
        "by": "operator:long press",
        "sectors": [3],
    }
