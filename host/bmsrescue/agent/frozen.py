"""An agent that is frozen into a firmware: the list of its sources, as device/firmware/manifest.py writes it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bmsrescue.agent.files import agent_files

_DIGITS = 16  # of a source's SHA-256; the manifest has the same


@dataclass(frozen=True)
class FrozenAgent:
    """What a firmware holds. sources: digests by place, "rescue/names.py" for one."""

    version: str
    sources: Mapping[str, str]

    @classmethod
    def of(cls, version: str, listed: str) -> "FrozenAgent":
        """From the list, one "digest place" a line. Raises ValueError when it is none."""
        return cls(version, {place: digest for digest, place in (line.split() for line in listed.splitlines())})

    def differing(self) -> list[str]:
        """The modules of this release that the firmware holds otherwise, or not at all."""
        return [place for place, digest in _digests().items() if self.sources.get(place) != digest]


def listed() -> str:
    """The list of this release's sources."""
    return "".join(f"{digest} {place}\n" for place, digest in _digests().items())


def is_in(firmware: Path) -> bool:
    """Whether the UF2 file `firmware` holds this very agent."""
    data = firmware.read_bytes()
    blocks = (data[at : at + 512] for at in range(0, len(data), 512))
    # A block is a header of 32 bytes, whose fifth number is the size of what follows, and that (UF2's specification).
    return listed().encode() in b"".join(block[32 : 32 + int.from_bytes(block[16:20], "little")] for block in blocks)


def _digests() -> dict[str, str]:
    sources = {place.as_posix(): path for place, path in agent_files().items() if len(place.parts) > 1}
    return {place: hashlib.sha256(sources[place].read_bytes()).hexdigest()[:_DIGITS] for place in sorted(sources)}
