"""A certificate authority of a bench's own, and certificates for its daemon (RFC 5280).

It can certify nothing but the names that it was made for (name constraints): whoever steals its key cannot pass for any
other site in the browsers that trust it. Keys are ECDSA on P-256, which every browser takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import UsageError

CA_CERT, CA_KEY = "ca.pem", "ca-key.pem"
CERT, KEY = "bench.pem", "bench-key.pem"
CA_DAYS = 3650
DAYS = 397
"""CA/Browser Forum baseline requirements 6.3.2: browsers refuse what is valid for longer than 398 days."""
_EARLIER = timedelta(hours=1)  # clocks differ


def new_ca(folder: Path, names: Sequence[str]) -> Path:
    """Make CA_CERT and CA_KEY in `folder`, for these names and addresses; returns what browsers are given.

    Raises:
        UsageError: there is one already, or a name is none.
    """
    if (folder / CA_KEY).exists():
        raise UsageError(
            f"{folder / CA_KEY} exists already", "Keep it: browsers trust it. Move both files away to begin anew."
        )
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"bmsrescue bench {names[0]}"[:64])])
    allowed = [_constraint(name) for name in names]
    builder = (
        _begun(subject, subject, key.public_key(), key, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(_with_both_kinds(allowed), _nothing_else(allowed)), critical=True)
    )
    cert = builder.sign(key, hashes.SHA256())
    _write(folder / CA_KEY, _key_text(key), private=True)
    _write(folder / CA_CERT, cert.public_bytes(serialization.Encoding.PEM))
    return folder / CA_CERT


def issue(folder: Path, names: Sequence[str], days: int = DAYS) -> tuple[Path, Path]:
    """A certificate for the daemon by these names and addresses, in place of the one before; (certificate, key).

    Raises:
        UsageError: there is no CA, or it may not certify a name.
    """
    try:
        authority = x509.load_pem_x509_certificate((folder / CA_CERT).read_bytes())
        signer = serialization.load_pem_private_key((folder / CA_KEY).read_bytes(), None)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {error.filename}", "Make it: bmsrescue tls new-ca NAME") from error
    except ValueError as error:
        raise UsageError(
            f"{folder / CA_KEY} or its certificate is damaged", "Move both away and make it anew."
        ) from error
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{folder / CA_KEY} is no key of ours", "Move it away, then: tls new-ca")
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    for name in names:
        if not any(_covers(one, name) for one in permitted):
            raise UsageError(f"the bench's CA may not certify {name}", "Move it away and make one that may: tls new-ca")
    key = ec.generate_private_key(ec.SECP256R1())
    # No name of a machine: OpenSSL holds one here against the constraints as well.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bmsrescue serve")])
    days = min(days, (authority.not_valid_after_utc - datetime.now(UTC)).days)
    cert = (
        _begun(subject, authority.subject, key.public_key(), signer, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(folder / KEY, _key_text(key), private=True)
    _write(folder / CERT, cert.public_bytes(serialization.Encoding.PEM))
    return folder / CERT, folder / KEY


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    """A DNS name or an address. Raises UsageError."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    fits = all(
        0 < len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum() and label.strip("-") == label
        for label in labels
    )
    if not fits or len(name) > 253:
        raise UsageError(f"{name!r} is no name of a machine", "Give one such as bench2.example, or an address.")
    return x509.DNSName(name.lower())


def _constraint(name: str) -> x509.GeneralName:
    general = _general(name)
    return x509.IPAddress(ip_network(general.value)) if isinstance(general, x509.IPAddress) else general


def _with_both_kinds(allowed: list[x509.GeneralName]) -> list[x509.GeneralName]:
    """A kind of name without a constraint would be free: where no DNS name is allowed, one that nobody can have is."""
    if any(isinstance(one, x509.DNSName) for one in allowed):
        return allowed
    return [*allowed, x509.DNSName("bmsrescue.invalid")]


def _nothing_else(allowed: list[x509.GeneralName]) -> list[x509.GeneralName] | None:
    """The same for addresses: all of them are excluded where none is allowed."""
    if any(isinstance(one, x509.IPAddress) for one in allowed):
        return None
    return [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]


def _covers(permitted: x509.GeneralName, name: str) -> bool:
    wanted = _general(name)
    if isinstance(permitted, x509.IPAddress) and isinstance(wanted, x509.IPAddress):
        return ip_address(str(wanted.value)) in ip_network(str(permitted.value))
    if isinstance(permitted, x509.DNSName) and isinstance(wanted, x509.DNSName):
        return wanted.value == permitted.value or wanted.value.endswith("." + permitted.value)
    return False


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, private: bool = False) -> None:
    write_atomically(path, data, private)
