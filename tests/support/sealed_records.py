"""Sealed records as helpers write them: made from one real run, with the rest varied from a seed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from bmsrescue.keys.signing import signature_of
from rescuelink.outcomes import OUTCOMES
from rescuelink.seal import line_hash, seal

_SAMPLE = Path(__file__).parents[1] / "fleet" / "data" / "half-on.json"
_CAUSES = ("update-cut", "interrupted-program", "blank", "healthy", "no-vcap", "rdp1", "short-3v3", "wrong-target")


def sample() -> dict[str, Any]:
    """The record of a real run on the twin's `half-on` unit."""
    record: dict[str, Any] = json.loads(_SAMPLE.read_text())
    return record


def chain(helper: str, count: int, *, first: int = 1, previous: str = "", seed: int = 0, **changes: Any) -> list[str]:
    """`count` lines of `helper`, the first with sequence number `first` and following the line of hash `previous`."""
    rng = random.Random(f"{helper} {seed}")
    template = sample()
    outcomes = sorted(OUTCOMES)
    lines = []
    for sequence in range(first, first + count):
        record = template | {"helper": helper, "sequence": sequence, "virtual_ms": rng.randint(2_000, 40_000)}
        record["unit"] = template["unit"] | {"uid": f"{rng.getrandbits(96):024X}"}
        record["diagnosis"] = template["diagnosis"] | {"cause": rng.choice(_CAUSES)}
        record["outcome"] = "RECOVERED" if rng.random() < 0.7 else rng.choice(outcomes)
        lines.append(seal(record | changes, previous))
        previous = line_hash(lines[-1])
    return lines


def write_card(folder: Path, lines: list[str], signatures: bytes = b"") -> Path:
    """A dongle's card as a folder."""
    records = folder / "records" / "records.jsonl"
    records.parent.mkdir(parents=True, exist_ok=True)
    records.write_text("".join(line + "\n" for line in lines))
    if signatures:
        (folder / "records" / "signatures.txt").write_bytes(signatures)
    return folder


def signed(lines: list[str], key: ec.EllipticCurvePrivateKey) -> bytes:
    """The signatures of these lines, as a helper with that key writes them."""
    hashes = [line_hash(line) for line in lines]
    return b"".join(f"{one} {signature_of(key, bytes.fromhex(one)).hex()}\n".encode() for one in hashes)
