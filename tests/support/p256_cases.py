"""Signatures on P-256, good and bad, and at the edges where verifiers have been wrong before (as Wycheproof's are, made
here). What each one is says `cryptography`, which is OpenSSL.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from bmsrescue.keys.pem import public_of
from bmsrescue.keys.signing import signature_of
from rescuelink import p256

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5


@dataclass(frozen=True)
class Case:
    what: str
    public: bytes
    digest: bytes
    signature: bytes
    good: bool


def numbers(first: int, second: int) -> bytes:
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def says_cryptography(public: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except (ValueError, InvalidSignature):
        return False
    return True


def derived_key(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def _on_curve(x: int) -> int | None:
    square = (x**3 - 3 * x + B) % P
    y = pow(square, (P + 1) // 4, P)
    return y if y * y % P == square else None


def _times(number: int, point: tuple[int, int]) -> tuple[int, int, int]:
    return p256._sum_of(number % N, point, 0, (GX, GY), 256)


def _beyond_n(dice: random.Random) -> tuple[bytes, bytes, bytes]:
    # A true signature whose point has an x between n and p, so that r is that x less n: one in 2^128 by chance. The key
    # is made for it: Q = (s R - e G) / r.
    x = next(candidate for candidate in range(N, P) if candidate > N and _on_curve(candidate) is not None)
    y = _on_curve(x)
    assert y is not None
    digest, s, r = dice.randbytes(32), dice.randrange(1, N), x - N
    inverse = pow(r, N - 2, N)
    e = int.from_bytes(digest, "big")
    point = p256._affine(p256._sum_of(s * inverse % N, (x, y), -e * inverse % N, (GX, GY), 256))
    return numbers(*point), digest, numbers(r, s)


def cases(count: int, seed: int = 1) -> list[Case]:
    """`count` true signatures with one changed bit each beside them, and all edges."""
    dice = random.Random(seed)
    found: list[tuple[str, bytes, bytes, bytes]] = []
    for number in range(count):
        key = derived_key(dice.randrange(1, N))
        digest = hashlib.sha256(dice.randbytes(40)).digest()
        given = [public_of(key), digest, signature_of(key, digest)]
        found.append((f"true {number}", *given))  # type: ignore[arg-type]
        which = number % 3
        changed = bytearray(given[which])
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        given[which] = bytes(changed)
        found.append((f"a bit of {('the key', 'the digest', 'the signature')[which]} {number}", *given))  # type: ignore[arg-type]
    key = derived_key(dice.randrange(1, N))
    secret, public = key.private_numbers().private_value, public_of(key)
    digest = hashlib.sha256(b"edges").digest()
    good = signature_of(key, digest)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    found.append(("the other s of the same signature", public, digest, numbers(r, N - s)))
    for what, value in (
        ("0", 0),
        ("1", 1),
        ("n", N),
        ("n - 1", N - 1),
        ("n + 1", N + 1),
        ("p", P),
        ("all ones", 2**256 - 1),
    ):
        found.append((f"r is {what}", public, digest, numbers(value, s)))
        found.append((f"s is {what}", public, digest, numbers(r, value)))
        found.append((f"both are {what}", public, digest, numbers(value, value)))
    found.append(("r and s are exchanged", public, digest, numbers(s, r)))
    if r + N < 2**256:
        found.append(("r is n more", public, digest, numbers(r + N, s)))
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    for what, bad in (
        ("nothing but zeros", bytes(64)),
        ("no point of the curve", numbers(x, y ^ 1)),
        ("its point's opposite", numbers(x, P - y)),
        ("a coordinate beyond p", numbers(P, y)),
        ("all ones", b"\xff" * 64),
        ("on the curve with b = 0", numbers(4, pow(52, (P + 1) // 4, P))),
        ("x and y exchanged", numbers(y, x)),
    ):
        found.append((f"the key is {what}", bad, digest, good))
    for value in (bytes(32), b"\xff" * 32, N.to_bytes(32, "big"), (1).to_bytes(32, "big")):
        found.append((f"the digest is {value.hex()[:8]}..", public, value, signature_of(key, value)))
    # Points that meet on the way: the key is G, its opposite, its double; the sum is the point at infinity.
    for what, number in (("G", 1), ("-G", N - 1), ("2 G", 2), ("-2 G", N - 2), ("G / 2", (N + 1) // 2)):
        own = derived_key(number)
        found.append((f"the key is {what}", public_of(own), digest, signature_of(own, digest)))
        found.append((f"the key is {what}, r changed", public_of(own), digest, numbers(r, s)))
    to_nothing = (-secret * r) % N
    found.append(("the sum is the point at infinity", public, to_nothing.to_bytes(32, "big"), numbers(r, s)))
    found.append(("x of the point is beyond n", *_beyond_n(dice)))
    return [Case(what, *given, says_cryptography(*given)) for what, *given in found]
