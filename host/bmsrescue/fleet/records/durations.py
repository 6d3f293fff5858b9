"""Durations in buckets, an eighth of an octave each: a count of each is all that has to be kept of any number of them.

What is read from buckets is within 9 % of what the durations themselves would give: that is how wide a bucket is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

EDGES = tuple(sorted({round(2 ** (number / 8)) for number in range(208)}))
"""In ms, up to 17 hours. Bucket 0 is below the first of them, bucket n from edge n - 1 up to, but not with, edge n."""


def bucket_of(ms: int) -> int:
    return bisect_right(EDGES, ms)


def spread_of(counts: Mapping[int, int]) -> tuple[float, float, float]:
    """The lowest tenth's edge, the middle and the highest tenth's of at least one duration, from counts by bucket.

    R's type 7, as for durations themselves; those of one bucket are taken to be spread evenly over it.
    """
    last = sum(counts.values()) - 1
    found = []
    for tenths in (1, 5, 9):
        place, rest = divmod(tenths * last, 10)
        low = _in_order(counts, place)
        found.append(low + (_in_order(counts, place + 1) - low) * rest / 10 if rest else low)
    return found[0], found[1], found[2]


def _in_order(counts: Mapping[int, int], place: int) -> float:
    """The duration that has that place among all, from 0, in ms."""
    for bucket in sorted(counts):
        if place < counts[bucket]:
            low, high = edges_of(bucket)
            return low + (high - low) * (place + 0.5) / counts[bucket]
        place -= counts[bucket]
    raise ValueError("no duration has that place")


def edges_of(bucket: int) -> tuple[int, int]:
    """From, and up to but not with; of the last bucket nobody knows where it ends."""
    low = EDGES[bucket - 1] if bucket else 0
    return low, EDGES[bucket] if bucket < len(EDGES) else low
