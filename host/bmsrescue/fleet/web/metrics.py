"""Prometheus metrics: /metrics. docs/grafana-line.json is a dashboard over them."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bmsrescue.fleet import figures
from bmsrescue.fleet.queues import Queue, queues_of
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.states import FACES
from bmsrescue.fleet.web.access import Viewing
from bmsrescue.fleet.web.parts import TheFleet, TheHall

router = APIRouter(tags=["metrics"])


class _Collector(Collector):
    def __init__(self, hall: Hall, outcomes: dict[str, int], queues: list[Queue], set_aside: int) -> None:
        self._hall = hall
        self._outcomes = outcomes
        self._queues = queues
        self._set_aside = set_aside

    def collect(self) -> Iterator[Metric]:
        found = list(self._hall.stations.values())
        stations = GaugeMetricFamily("bmsrescue_stations", "Stations by state", labels=["state"])
        for state in FACES:
            stations.add_metric([state], sum(one.state == state for one in found))
        yield stations
        each = GaugeMetricFamily(
            "bmsrescue_station_state", "1 for the state of each station", labels=["station", "state"]
        )
        for one in found:
            each.add_metric([one.name, one.state], 1)
        yield each
        attempts = CounterMetricFamily("bmsrescue_attempts", "Attempts in the store, by outcome", labels=["outcome"])
        for outcome, count in self._outcomes.items():
            attempts.add_metric([outcome], count)
        yield attempts
        lengths = GaugeMetricFamily("bmsrescue_queue_length", "What waits to go out of this bench", labels=["queue"])
        wells = GaugeMetricFamily("bmsrescue_queue_stuck", "1 while a queue does not move", labels=["queue"])
        for queue in self._queues:
            if queue.length is not None:
                lengths.add_metric([queue.name], queue.length)
            wells.add_metric([queue.name], int(bool(queue.problem)))
            if queue.name == "shared store":
                away = int(bool(queue.problem))
                yield GaugeMetricFamily("bmsrescue_shared_store_away", "1 while it cannot be reached", value=away)
        yield lengths
        yield wells
        yield GaugeMetricFamily(
            "bmsrescue_lines_set_aside", "Lines that are no records, kept aside", value=self._set_aside
        )


@router.get("/metrics", response_class=Response)
def metrics(fleet: TheFleet, hall: TheHall, _person: Viewing) -> Response:
    """In Prometheus' text format."""
    with fleet.store.read() as session:
        counted, set_aside = figures.outcomes(session), aside.count(session)
    registry = CollectorRegistry()
    registry.register(_Collector(hall, counted, queues_of(fleet), set_aside))
    told = generate_latest(registry) + generate_latest(fleet.desk.metrics.registry)
    return Response(told, media_type=CONTENT_TYPE_LATEST)
