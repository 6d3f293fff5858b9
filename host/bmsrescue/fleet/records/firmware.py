"""Which firmware a unit carried when it came, as far as its record's evidence tells."""

from __future__ import annotations

from typing import Any

BLANK = "blank"
PART_OF = "part of "


def firmware_before(record: dict[str, Any]) -> str | None:
    """A version; "part of" the job's, where only some of it was there; "blank"; None where nothing tells.

    The version word that the firmware itself holds comes first; then the sectors that the job writes, each of which the
    helper has held against the image. Where the image itself is blank ("erased"), a blank sector tells nothing.
    Anything may stand in a forged record.
    """
    evidence = record.get("evidence")
    if not isinstance(evidence, dict):
        return None
    version = evidence.get("version")
    if isinstance(version, dict) and isinstance(version.get("found"), str) and version["found"]:
        return str(version["found"])
    job = record.get("job")
    wanted = job.get("version") or job.get("image") if isinstance(job, dict) else None
    sectors = evidence.get("sectors")
    owned = [
        one
        for one in (sectors if isinstance(sectors, list) else [])
        if isinstance(one, dict) and one.get("owned") and not one.get("erased")
    ]
    states = {str(one.get("state")) for one in owned}
    if states == {"blank"}:
        return BLANK
    if not isinstance(wanted, str) or not wanted:
        return None
    if states == {"match"}:
        return wanted
    begun = any(type(one.get("prefix")) is int and one["prefix"] > 0 for one in owned)
    return PART_OF + wanted if "match" in states or begun else None
