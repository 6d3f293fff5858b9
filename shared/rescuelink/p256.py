"""ECDSA over the curve P-256 with SHA-256 digests (FIPS 186-5; SEC 1 v2.0, 4.1; nonces by RFC 6979, 3.2).

Runs on MicroPython, where one product of two 256-bit numbers with its remainder is most of the cost: what is counted
here is those products. Points are Jacobian (X, Y, Z), x = X/Z^2, y = Y/Z^3; Z = 0 is the point at infinity. It is not
constant in time: a signature is made only where nobody else measures, and everything that is verified is public.

Keys are bytes: a public one is x and y, 32 bytes each, big-endian, a secret one 32; a signature is r and s, 32 each.
"""

import hashlib

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

_P = int("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
_N = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
_B = int("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16)
_G = (
    int("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16),
    int("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 16),
)
# 2^128 times G: half of a number's bits go with each of the two, in one pass over 128.
_G_HIGH = (
    int("447d739beedb5e67fb982fd588c6766efc35ff7dc297eac357c84fc9d789bd85", 16),
    int("2d4825ab834131eee12e9d953a4aaff73d349b95a7fae5000c7e33c972e25b32", 16),
)
_BLOCK = 64  # bytes, of SHA-256


def verify(public: bytes, digest: bytes, signature: bytes, tick: "Callable[[], None] | None" = None) -> bool:
    """Whether `signature` is one of `digest` (32 bytes) by the key `public`. Nothing that is given raises an error.

    `tick` is called some hundred times meanwhile: a board takes two seconds.
    """
    if len(public) != 64 or len(digest) != 32 or len(signature) != 64:
        return False
    key = _number(public[:32]), _number(public[32:])
    r, s = _number(signature[:32]), _number(signature[32:])
    if not _on_curve(key) or not 0 < r < _N or not 0 < s < _N:
        return False
    inverse = pow(s, _N - 2, _N)
    x, _y, z = _sum_of(_number(digest) * inverse % _N, _G, r * inverse % _N, key, 256, tick)
    if z == 0:
        return False
    zz = z * z % _P
    # x is compared without a division; a coordinate beyond n has lost n in r.
    return r * zz % _P == x or (r + _N < _P and (r + _N) * zz % _P == x)


def sign(secret: bytes, digest: bytes) -> bytes:
    """The signature of `digest` (32 bytes) by the key `secret`: always the same one."""
    nonce = _nonce(secret, digest)
    x, _y = _affine(_sum_of(nonce & ((1 << 128) - 1), _G, nonce >> 128, _G_HIGH, 128))
    r = x % _N
    s = pow(nonce, _N - 2, _N) * (_number(digest) + r * _number(secret)) % _N
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _on_curve(point: tuple[int, int]) -> bool:
    x, y = point
    return x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0


def _sum_of(
    u: int,
    first: tuple[int, int],
    v: int,
    second: tuple[int, int],
    bits: int,
    tick: "Callable[[], None] | None" = None,
) -> tuple[int, int, int]:
    # u times one point plus v times another, bit by bit for both at once (Shamir's trick).
    both = _add((first[0], first[1], 1), second)
    table = (None, first, second, None if both[2] == 0 else _affine(both))
    point = (1, 1, 0)
    for at in range(bits - 1, -1, -1):
        if tick is not None:
            tick()
        if point[2]:
            point = _double(point)
        index = (u >> at & 1) | (v >> at & 1) << 1
        if index:
            entry = table[index]
            if entry is not None:  # the sum of a point and its opposite changes nothing
                point = _add(point, entry)
    return point


def _double(point: tuple[int, int, int]) -> tuple[int, int, int]:
    # "dbl-2001-b" of the Explicit-Formulas Database, for a = -3: eight products.
    x, y, z = point
    delta = z * z % _P
    gamma = y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % _P, ((y + z) * (y + z) - gamma - delta) % _P


def _add(point: tuple[int, int, int], other: tuple[int, int]) -> tuple[int, int, int]:
    # A Jacobian point and an affine one: eleven products.
    x, y, z = point
    if z == 0:
        return other[0], other[1], 1
    zz = z * z % _P
    h = (other[0] * zz - x) % _P
    r = (other[1] * z * zz - y) % _P
    if h == 0:
        return _double(point) if r == 0 else (1, 1, 0)
    hh = h * h % _P
    hhh = h * hh % _P
    v = x * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - y * hhh) % _P, z * h % _P


def _affine(point: tuple[int, int, int]) -> tuple[int, int]:
    x, y, z = point
    inverse = pow(z, _P - 2, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _nonce(secret: bytes, digest: bytes) -> int:
    # RFC 6979, 3.2: a number that only who has the key can know, the same for the same digest. That r or s come to 0,
    # for which it would have the next one, is as likely as to guess the key.
    seed = bytes(secret) + (_number(digest) % _N).to_bytes(32, "big")
    value, key = b"\x01" * 32, b"\x00" * 32
    for mark in (b"\x00", b"\x01"):
        key = _hmac(key, value + mark + seed)
        value = _hmac(key, value)
    while True:
        value = _hmac(key, value)
        if 0 < _number(value) < _N:
            return _number(value)
        key = _hmac(key, value + b"\x00")
        value = _hmac(key, value)


def _hmac(key: bytes, data: bytes) -> bytes:
    # RFC 2104, of a key no longer than a block.
    key = key + b"\x00" * (_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]) + data).digest()
    return hashlib.sha256(bytes([byte ^ 0x5C for byte in key]) + inner).digest()
