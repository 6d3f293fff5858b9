"""ECDSA on P-256 in plain Python says what OpenSSL says, on CPython and on MicroPython, and signs as RFC 6979 does."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

from bmsrescue.agent.files import shared_dir
from bmsrescue.keys.pem import new_secret, public_of, public_pem, secret_of, secret_pem
from bmsrescue.twin.helper.process import find_interpreter
from p256_cases import cases, says_cryptography
from rescuelink import p256

# RFC 6979, A.2.5, with SHA-256.
SECRET = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
PUBLIC = bytes.fromhex(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
SIGNED = {
    b"sample": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    b"test": "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
}

ON_MICROPYTHON = """
import binascii, json, sys
sys.path.insert(0, sys.argv[1])
from rescuelink import p256
bare = binascii.unhexlify
for public, digest, signature in json.load(open(sys.argv[2])):
    print(p256.verify(bare(public), bare(digest), bare(signature)))
for digest in sys.argv[4:]:
    print(binascii.hexlify(p256.sign(bare(sys.argv[3]), bare(digest))).decode())
"""


@pytest.mark.parametrize("message", sorted(SIGNED))
def test_it_signs_as_the_rfc_does(message: bytes) -> None:
    digest = hashlib.sha256(message).digest()
    signature = p256.sign(SECRET, digest)
    assert signature.hex() == SIGNED[message]
    assert p256.verify(PUBLIC, digest, signature)
    assert not p256.verify(PUBLIC, hashlib.sha256(message + b" ").digest(), signature)


def test_it_says_of_every_signature_what_openssl_says() -> None:
    found = cases(60)
    assert sum(case.good for case in found) > 60
    assert sum(not case.good for case in found) > 80
    assert [case.what for case in found if p256.verify(case.public, case.digest, case.signature) != case.good] == []


@pytest.mark.parametrize("lengths", [(63, 32, 64), (65, 32, 64), (64, 31, 64), (64, 32, 63), (64, 32, 65), (0, 0, 0)])
def test_what_is_no_key_digest_or_signature_is_not_good(lengths: tuple[int, int, int]) -> None:
    assert not p256.verify(*(b"\x01" * length for length in lengths))


def test_openssl_takes_ours_and_we_take_openssls(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    dice = random.Random(3)
    key = new_secret()
    (tmp_path / "public.pem").write_bytes(public_pem(public_of(key)))
    (tmp_path / "secret.pem").write_bytes(secret_pem(key, ""))
    for _ in range(3):
        message = dice.randbytes(dice.randrange(1, 200))
        digest = hashlib.sha256(message).digest()
        (tmp_path / "message").write_bytes(message)
        ours = p256.sign(secret_of(key), digest)
        r, s = int.from_bytes(ours[:32], "big"), int.from_bytes(ours[32:], "big")
        (tmp_path / "ours").write_bytes(utils.encode_dss_signature(r, s))
        told = subprocess.run(
            [openssl, "dgst", "-sha256", "-verify", "public.pem", "-signature", "ours", "message"],
            cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert told.stdout.strip() == "Verified OK", told.stderr
        theirs = subprocess.run(
            [openssl, "dgst", "-sha256", "-sign", "secret.pem", "message"],
            cwd=tmp_path, capture_output=True, timeout=20, check=True,
        ).stdout  # fmt: skip
        r, s = utils.decode_dss_signature(theirs)
        assert p256.verify(public_of(key), digest, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def test_micropython_says_and_signs_the_same(tmp_path: Path) -> None:
    found = cases(6, seed=2)
    given = tmp_path / "cases.json"
    given.write_text(json.dumps([(case.public.hex(), case.digest.hex(), case.signature.hex()) for case in found]))
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(4)]
    script = tmp_path / "script.py"
    script.write_text(ON_MICROPYTHON)
    arguments = [str(shared_dir()), str(given), SECRET.hex(), *(digest.hex() for digest in digests)]
    run = subprocess.run(
        [str(find_interpreter()), str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.split()
    assert lines[: len(found)] == [str(case.good) for case in found]
    signatures = [bytes.fromhex(line) for line in lines[len(found) :]]
    assert signatures == [p256.sign(SECRET, digest) for digest in digests]
    assert all(says_cryptography(PUBLIC, digest, one) for digest, one in zip(digests, signatures, strict=True))
