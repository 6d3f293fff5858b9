"""How long jobs took and how they ended, by the host's clock, since the daemon began: for /metrics."""

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS_S = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)


class JobMetrics:
    """`registry` is what /metrics tells beside what it counts from the store."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "bmsrescue_job_seconds",
            "Time from the start of a job to its record, at this bench since the daemon began",
            labelnames=("station", "outcome"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )

    def ended(self, station: str, outcome: str, seconds: float) -> None:
        """A job that gave a record."""
        self._seconds.labels(station, outcome).observe(seconds)
