"""Which records a helper has signed: "SHA256 SIGNATURE" a line, both in hex digits, beside the records.

A signature is ECDSA on P-256 over the record's line, whose SHA-256 names it (device/rescue/engine/record/signing.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from bmsrescue.keys.pem import public_key

LINE_BYTES = 64 + 1 + 128 + 1
"""Of a signature, its newline included."""
MOST_OF_A_LINE = 8
"""Signatures of one line that are looked at: a helper makes one, others may lie beside it."""
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Signatures:
    """`keys`: the public key of each helper that is known to sign, by helper_id. `found`: by the hash of a line.
    `only`: helpers of which no key is known are not believed either.
    """

    keys: Mapping[str, bytes] = field(default_factory=dict)
    found: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    only: bool = False

    def wrong(self, helper_id: str, sha256: str) -> str:
        """Why the line is not taken; empty where it is signed, or nobody knows a key of that helper."""
        key = self.keys.get(helper_id)
        if key is None:
            return "is by a helper of which no key is known here" if self.only else ""
        if sha256 not in self.found:
            return "is not signed, and that helper signs its records"
        return "" if self.of(helper_id, sha256) else "has a signature that is not that helper's"

    def of(self, helper_id: str, sha256: str) -> str | None:
        """The helper's own signature of a line, in hex digits; None where there is none, or no key is known."""
        key = self.keys.get(helper_id)
        if key is None:
            return None
        digest = bytes.fromhex(sha256)
        good = (one.hex() for one in self.found.get(sha256, ())[:MOST_OF_A_LINE] if is_signed(key, digest, one))
        return next(good, None)


def read_signatures(data: bytes) -> dict[str, list[bytes]]:
    """What a file of signatures holds, by the hash of a line; what is none is passed over."""
    found: dict[str, list[bytes]] = {}
    for line in data.split(b"\n"):
        if len(line.rstrip(b"\r")) != LINE_BYTES - 1:
            continue
        try:
            sha256, signature = (bytes.fromhex(part) for part in line.decode("ascii").split(" "))
            if len(sha256) == _DIGEST_BYTES:
                found.setdefault(sha256.hex(), []).append(signature)
        except ValueError:
            continue
    return found


def is_signed(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature, r and s of 32 bytes each, is one of that SHA-256 by that key."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key(public).verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True
