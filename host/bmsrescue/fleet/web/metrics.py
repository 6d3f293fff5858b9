"""Prometheus metrics: /metrics."""

from collections import Counter as Counted
from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bmsrescue.fleet import figures
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.web.access import Viewing
from bmsrescue.fleet.web.parts import TheFleet, TheHall

router = APIRouter(tags=["metrics"])


class _Collector(Collector):
    def __init__(self, hall: Hall, outcomes: dict[str, int], waiting: int) -> None:
        self._hall = hall
        self._outcomes = outcomes
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        states = Counted(station.state for station in self._hall.stations.values())
        stations = GaugeMetricFamily("bmsrescue_stations", "Stations by state", labels=["state"])
        for state in FACES:
            stations.add_metric([state], states[state])
        yield stations
        attempts = CounterMetricFamily("bmsrescue_attempts", "Attempts in the store, by outcome", labels=["outcome"])
        for outcome, count in self._outcomes.items():
            attempts.add_metric([outcome], count)
        yield attempts
        yield GaugeMetricFamily(
            "bmsrescue_shared_store_away", "1 while the shared store cannot be reached", value=self._waiting
        )


@router.get("/metrics", response_class=Response)
def metrics(fleet: TheFleet, hall: TheHall, _person: Viewing) -> Response:
    """In Prometheus' text format."""
    with fleet.store.read() as session:
        counted = figures.outcomes(session)
    registry = CollectorRegistry()
    away = int(fleet.link is not None and fleet.link.problem is not None)
    registry.register(_Collector(hall, counted, away))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
