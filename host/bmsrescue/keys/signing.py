"""Manifests: of the files of a card, signed; and whether those of a card are good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from bmsrescue.errors import UsageError
from bmsrescue.keys.pem import public_of
from rescuelink.manifest import MAX_RELEASE, NAME, Manifest, key_id, read_manifest, signed_text

_LONGEST = 64


def sign_files(
    key: ec.EllipticCurvePrivateKey, files: Mapping[str, bytes], series: str, release: int, helper: str = ""
) -> bytes:
    """The manifest of a card's files. `helper`: an exception, for that one only.

    Raises:
        UsageError: series or number cannot be.
    """
    for what, name in (("series", series), ("helper", helper)):
        if len(name) > _LONGEST or not all(" " <= char <= "~" for char in name) or name != name.strip():
            raise UsageError(f"{name!r} is no name of a {what}", f"Use up to {_LONGEST} letters, digits and signs.")
    if not series:
        raise UsageError("which releases does this one follow?", "Name the product's series: --series NAME.")
    if not 0 < release <= MAX_RELEASE:
        raise UsageError(f"{release} is no number of a release", f"Use 1 to {MAX_RELEASE}, higher than any before.")
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != NAME}
    text = signed_text(series, release, digests, helper, key_id(public_of(key))).encode()
    return text + b"signature " + signature_of(key, hashlib.sha256(text).digest()).hex().encode() + b"\n"


def signature_of(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """r and s of the signature of a SHA-256, 32 bytes each."""
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def manifest_of(files: Mapping[str, bytes]) -> Manifest | None:
    """The manifest among a card's files, as it says of itself; None where there is none. Raises JobError."""
    data = next((files[name] for name in files if name.lower() == NAME), None)
    return None if data is None else read_manifest(data)
