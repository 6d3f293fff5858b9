"""The page over every bench's records: an account that may only read is enough, and nothing can be decided there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import make_url

from bmsrescue.config import Config
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Accounts
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store, StoreError, sqlite_url
from bmsrescue.fleet.web.app import create_page
from fake_station import NoHelpers
from sealed_records import chain

PASSWORD = "correct horse battery"


def driver_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def a_bench_forwards(folder: Path, shared: Store, name: str) -> None:
    own = Store.open(sqlite_url(folder / name))
    with own.write() as session:
        site = ledger.own_site(session, name)
        LineTaker("card", IMPORT).take(session, site, chain(f"helper of {name}", 3, outcome="RECOVERED"))
    forwarder = Forwarder(own, shared, site, name)
    while forwarder.turn().more:
        pass
    own.close()


def test_every_benchs_records_are_seen_by_an_account_that_may_only_read(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    with pytest.raises(StoreError, match="has no records"):
        Store.open_to_read(url)
    shared = Store.open(url)
    for name in ("hall 1", "hall 2"):
        a_bench_forwards(tmp_path, shared, name)
    with shared.write() as session:
        Accounts(shared, ledger.own_site(session, "shared")).add("eva", "engineer", PASSWORD, "setup")
    shared.close()
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute("CREATE ROLE looker LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    as_looker = make_url(url).set(username="looker").render_as_string(hide_password=False)
    fleet = Fleet(Config(), tmp_path / "page", as_looker)
    connected = NoHelpers()
    app = create_page(fleet, Hall(connected, fleet.desk), connected.events)  # type: ignore[arg-type]
    client = TestClient(app, follow_redirects=False, client=("127.0.0.1", 50000))
    assert client.post("/login", data={"name": "eva", "password": "wrong wrong wrong"}).status_code == 401
    assert client.post("/login", data={"name": "eva", "password": PASSWORD}).status_code == 303
    assert client.get("/").headers["location"] == "/benches"
    benches = client.get("/benches").text
    assert "hall 1" in benches
    assert "hall 2" in benches
    assert client.get("/api/fleet/line").json()["totals"]["ended_well"]["total"] == 6
    for path in (
        "/line?by=bench",
        "/attempts",
        "/units",
        "/units/1",
        "/figures",
        "/figures/slow",
        "/releases",
        "/health",
    ):
        assert client.get(path).status_code == 200, path
    assert "<small>hall 1</small>" in client.get("/units/1").text, "a unit's history says at which bench"
    assert "Keep the note" not in client.get("/units/1").text
    assert client.post("/api/fleet/units/1/notes", json={"text": "x"}).status_code == 403
    answer = client.post("/api/fleet/password", json={"old": PASSWORD, "new": PASSWORD})
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "this page only looks at the store")
    fleet.store.close()


def test_a_store_of_another_version_is_refused_and_stays_as_it_is(new_database: Callable[[], str]) -> None:
    url = new_database()
    Store.open(url).close()
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0008'")
        with pytest.raises(StoreError, match="has schema 0008, this bmsrescue needs"):
            Store.open_to_read(url)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0008",)]
