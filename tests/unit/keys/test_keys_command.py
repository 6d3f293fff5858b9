"""Keys by command, cards that are signed and checked with them, and the helper that is given them."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bmsrescue.card.check import JOB_FILE
from bmsrescue.cli import app
from bmsrescue.deploy import own_keys
from bmsrescue.deploy.repl import Repl
from bmsrescue.errors import HostError, UsageError
from bmsrescue.keys.pem import KeyFileError, new_secret, public_of, read_public
from bmsrescue.keys.records import is_signed
from bmsrescue.keys.store import KeyStore
from bmsrescue.twin.rig import default_card_files
from pty_board import PtyBoard
from rescuelink import p256
from rescuelink.manifest import NAME, key_id, read_manifest


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("BMSRESCUE_DATA", str(folder))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "none.toml"))
    return folder


def run(*words: object, status: int = 0, typed: str = "") -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], input=typed)
    error = result.exception
    if isinstance(error, HostError):  # as `bmsrescue.cli.main` tells it
        assert status == (2 if isinstance(error, UsageError) else 1), error
        return f"{error.message}. {error.next_step}"
    assert result.exit_code == status, result.output
    return result.output


def made(name: str) -> str:
    found: dict[str, Any] = json.loads(run("keys", "new", name, "--no-passphrase", "--json"))
    return str(found["id"])


@pytest.fixture
def job(tmp_path: Path) -> Path:
    for name, content in default_card_files().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path / JOB_FILE


def build(job: Path, card: Path, *words: object, status: int = 0) -> str:
    return run("card", "build", job, "-o", card, *words, status=status)


def test_a_key_is_its_owners_alone_and_opens_with_its_passphrase(data: Path) -> None:
    run("keys", "new", "eva", typed="more than one word\nmore than one word\n")
    path = data / "keys" / "secret" / "eva.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"ENCRYPTED" in path.read_bytes()
    assert KeyStore().secret("eva", "more than one word")
    with pytest.raises(Exception, match="does not open with this passphrase"):
        KeyStore().secret("eva", "another")
    assert "never replaced" in run("keys", "new", "eva", "--no-passphrase", status=2)


def test_a_card_is_signed_checked_and_refused_as_the_dongle_would(data: Path, tmp_path: Path, job: Path) -> None:
    one = made("eva")
    run("keys", "export", "eva", "-o", tmp_path / "eva.pem")
    told = build(job, tmp_path / "card", "--sign", "eva", "--release", "7", "--series", "BR16S")
    assert f"release 7 of BR16S, signed by eva ({one})" in " ".join(told.split())
    card = tmp_path / "card"
    assert "good" in run("card", "check", card, "--trust", tmp_path / "eva.pem")
    made("tom")
    refused = run("card", "check", card, "--trust", "tom", status=1)
    assert f"signed by the key {one}, which is not trusted here" in " ".join(refused.split())
    (card / JOB_FILE).write_bytes((card / JOB_FILE).read_bytes() + b"\n")
    assert "job.json is not the one" in " ".join(run("card", "check", card, "--trust", "eva", status=1).split())
    assert "good" in run("card", "check", card, "--development")


def test_a_key_that_is_trusted_here_makes_unsigned_cards_bad_here(data: Path, tmp_path: Path, job: Path) -> None:
    build(job, tmp_path / "card")
    assert "a helper that trusts keys refuses it" in " ".join(run("card", "check", tmp_path / "card").split())
    made("eva")
    run("keys", "trust", "eva")
    assert "the job is not signed" in " ".join(run("card", "check", tmp_path / "card", status=1).split())


def test_a_revoked_key_signs_nothing_good_and_stays_revoked(data: Path, tmp_path: Path, job: Path) -> None:
    one = made("eva")
    run("keys", "trust", "eva")
    made("tom")
    run("keys", "trust", "tom")
    build(job, tmp_path / "card", "--sign", "eva", "--release", "1", "--series", "BR16S")
    run("card", "check", tmp_path / "card")
    run("keys", "revoke", "eva")
    assert "not trusted here" in " ".join(run("card", "check", tmp_path / "card", status=1).split())
    assert "was revoked" in run("keys", "trust", "eva", status=2)
    assert "was revoked" in run("card", "check", tmp_path / "card", "--trust", "eva", status=2)
    listed = json.loads(run("keys", "list", "--json"))["keys"]
    assert [(key["id"], key["trusted"], key["revoked"]) for key in listed if key["name"] == "eva"] == [
        (one, False, True)
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sign", "nobody", "--release", 1), "there is no secret key nobody"),
        (("--sign", "eva"), "0 is no number of a release"),
        (("--sign", "eva", "--release", 2**31), "is no number of a release"),
        (("--release", 1), "belong to --sign"),
        (("--sign", "eva", "--release", 1, "--series", "x" * 65), "is no name of a series"),
    ],
)
def test_what_cannot_be_signed_says_why(
    data: Path, tmp_path: Path, job: Path, words: tuple[object, ...], says: str
) -> None:
    made("eva")
    assert says in " ".join(build(job, tmp_path / "card", *words, status=2).split())
    assert not (tmp_path / "card").exists()


def test_an_exception_names_its_helper(data: Path, tmp_path: Path, job: Path) -> None:
    made("eva")
    build(job, tmp_path / "card", "--sign", "eva", "--release", "3", "--for-helper", "e6614103e7175e2b")
    found = read_manifest((tmp_path / "card" / NAME).read_bytes())
    assert (found.helper, found.release, found.series) == ("e6614103e7175e2b", 3, "bms-1.2.0")


def test_a_helper_is_given_keys_and_taken_back_to_development(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("eva")
    made("tom")
    keys = [KeyStore().public(name) for name in ("eva", "tom")]
    flash = tmp_path / "flash"
    flash.mkdir()
    monkeypatch.setattr(own_keys, "STORE", "store")
    with PtyBoard(flash) as board, Repl(board.url, 20) as repl:
        assert own_keys.trusted_there(repl) is None
        own_keys.set_trusted(repl, keys)
        assert own_keys.trusted_there(repl) == [key_id(key) for key in keys]
        own_keys.set_trusted(repl, keys[:1])
        assert (flash / "store" / "trust.txt").read_text() == keys[0].hex() + "\n"
        own_keys.set_trusted(repl, [])
        assert own_keys.trusted_there(repl) is None


def test_a_helper_is_given_a_key_of_its_own_once_and_it_is_known_here(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash = tmp_path / "flash"
    flash.mkdir()
    monkeypatch.setattr(own_keys, "STORE", "store")
    with PtyBoard(flash) as board, Repl(board.url, 20) as repl:
        public = own_keys.own_key(repl)
        assert own_keys.own_key(repl) == public, "it keeps it"
        secret = bytes.fromhex((flash / "store" / "helper.key").read_text())
        digest = hashlib.sha256(b"a record").digest()
        assert is_signed(public, digest, p256.sign(secret, digest))
        (flash / "store" / "helper.key").write_text("torn")
        with pytest.raises(KeyFileError, match="holds no key"):
            own_keys.own_key(repl)
    KeyStore().know_helper("e6614c311b7e8f2a", public)
    run("keys", "export", "e6614c311b7e8f2a", "-o", str(tmp_path / "helper.pem"))
    assert read_public((tmp_path / "helper.pem").read_bytes(), "") == public
    with pytest.raises(UsageError, match="another key is known"):
        KeyStore().know_helper("e6614c311b7e8f2a", public_of(new_secret()))
