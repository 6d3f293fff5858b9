"""The bench's own certificate authority, judged by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bmsrescue.door import local_ca
from bmsrescue.errors import UsageError

NAMES = ["bench2.example", "192.0.2.7"]


def verified(folder: Path, cert: Path, *more: str) -> bool:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    command = [openssl, "verify", "-x509_strict", "-purpose", "sslserver", *more, "-CAfile", str(folder / "ca.pem")]
    return subprocess.run([*command, str(cert)], capture_output=True, timeout=60).returncode == 0


def test_openssl_takes_what_it_may_certify_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_ca.new_ca(tmp_path, NAMES)
    cert, key = local_ca.issue(tmp_path, [*NAMES, "wall.bench2.example"])
    for name in ("bench2.example", "wall.bench2.example"):
        assert verified(tmp_path, cert, "-verify_hostname", name)
    assert verified(tmp_path, cert, "-verify_ip", "192.0.2.7")
    assert not verified(tmp_path, cert, "-verify_hostname", "other.example")
    for name in ("other.example", "192.0.2.8", "2001:db8::1", "xbench2.example"):
        with pytest.raises(UsageError, match="may not certify"):
            local_ca.issue(tmp_path, [name])
    # Somebody has its key and asks nobody.
    monkeypatch.setattr(local_ca, "_covers", lambda _permitted, _name: True)
    for name in ("other.example", "192.0.2.8", "2001:db8::1"):
        assert not verified(tmp_path, local_ca.issue(tmp_path, [name])[0])
    monkeypatch.undo()
    local_ca.issue(tmp_path, NAMES)
    assert not verified(tmp_path, below(tmp_path, cert, key)), "the daemon's key certifies nothing"


def below(folder: Path, cert: Path, key: Path) -> Path:
    """The chain of a certificate that the daemon's key has signed."""
    signer = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(cert.read_bytes())
    builder = local_ca._begun(issuer.subject, issuer.subject, signer.public_key(), signer, 1)
    made = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "below.pem").write_bytes(made)
    return folder / "below.pem"


@pytest.mark.parametrize("only", [["bench2.example"], ["192.0.2.7"]])
def test_a_kind_of_name_that_was_not_given_is_shut(
    tmp_path: Path, only: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    local_ca.new_ca(tmp_path, only)
    assert verified(tmp_path, local_ca.issue(tmp_path, only)[0])
    monkeypatch.setattr(local_ca, "_covers", lambda _permitted, _name: True)
    (other,) = set(NAMES) - set(only)
    assert not verified(tmp_path, local_ca.issue(tmp_path, [other])[0])


def test_a_key_is_its_owners_and_no_ca_is_written_over(tmp_path: Path) -> None:
    local_ca.new_ca(tmp_path, NAMES)
    before = (tmp_path / "ca-key.pem").read_bytes()
    _cert, key = local_ca.issue(tmp_path, NAMES)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "ca-key.pem", key)} == {0o600}
    with pytest.raises(UsageError, match="exists already"):
        local_ca.new_ca(tmp_path, NAMES)
    assert (tmp_path / "ca-key.pem").read_bytes() == before


@pytest.mark.parametrize(
    "name", ["", "a b", "x..y", "-x", "b\u00e4nk.example", "*.example", "x" * 64, "a\n", "a/b", "a" * 260]
)
def test_what_names_no_machine_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a machine"):
        local_ca.new_ca(tmp_path, [name])
