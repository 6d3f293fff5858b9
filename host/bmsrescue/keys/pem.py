"""Keys as PEM (RFC 7468), as any program reads them, and as the 64 or 32 bytes that `rescuelink.p256` takes."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bmsrescue.errors import HostError

_BYTES = 32  # of a number


class KeyFileError(HostError):
    """The file holds no key of the kind that is meant."""


def new_secret() -> ec.EllipticCurvePrivateKey:
    """A new key, from the system's source of randomness."""
    return ec.generate_private_key(ec.SECP256R1())


def public_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """x and y of the public half, 64 bytes."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    numbers = public.public_numbers()
    return numbers.x.to_bytes(_BYTES, "big") + numbers.y.to_bytes(_BYTES, "big")


def secret_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The secret number, 32 bytes."""
    return key.private_numbers().private_value.to_bytes(_BYTES, "big")


def public_key(public: bytes) -> ec.EllipticCurvePublicKey:
    """A public key of 64 bytes, to verify with."""
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(public[:_BYTES], "big"), int.from_bytes(public[_BYTES:], "big"), ec.SECP256R1()
    )
    return numbers.public_key()


def public_pem(public: bytes) -> bytes:
    """A public key of 64 bytes as a file."""
    return public_key(public).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def secret_pem(key: ec.EllipticCurvePrivateKey, passphrase: str) -> bytes:
    """A secret key as a file (PKCS #8), encrypted where there is a passphrase."""
    sealed = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)


def read_public(data: bytes, name: str) -> bytes:
    """The 64 bytes of a public key's file. Raises KeyFileError."""
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError(
            f"{name} is no public key of the curve P-256", "Have it written with: bmsrescue keys export NAME -o FILE."
        )
    return public_of(key)


def needs_passphrase(data: bytes) -> bool:
    """Whether a secret key's file is encrypted."""
    return b"ENCRYPTED PRIVATE KEY" in data


def secret_from(number: bytes) -> ec.EllipticCurvePrivateKey:
    """The key of a secret number of 32 bytes. Raises KeyFileError."""
    try:
        return ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1())
    except ValueError as error:
        raise KeyFileError("this is no secret number of the curve P-256", "Make a new key.") from error


def read_secret(data: bytes, name: str, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """Raises KeyFileError: it is none, or the passphrase is another."""
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if needs_passphrase(data) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if needs_passphrase(data):
            raise KeyFileError(f"{name} does not open with this passphrase", "Type it again.") from error
        raise KeyFileError(f"{name} is no secret key", "Make one with: bmsrescue keys new NAME.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError(f"{name} is no key of the curve P-256", "Make one with: bmsrescue keys new NAME.")
    return key
