"""The page's API: who may do what, what bad input gets for an answer, and what comes out."""

from __future__ import annotations

import csv
import html
import importlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.door.guard import Guard
from bmsrescue.door.owner import OwnersSocket
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.line import listing
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web import pages, pages_line
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.login_limit import WRONG_TRIES
from bmsrescue.twin.rig import default_card_files
from fake_station import FakeHelper, NoHelpers
from rescuelink.seal import line_hash
from sealed_records import chain, sample

PASSWORD = "correct horse battery"
SCRIPT = "<script>alert(1)</script>"


class Served:
    """The page over a store of its own, with two stations whose helpers the test moves."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(Config(), folder)
        connected = NoHelpers()
        self.hall = Hall(connected, self.fleet.desk)  # type: ignore[arg-type]
        self.helpers = {name: FakeHelper(name) for name in ("one", "two")}
        for name, helper in self.helpers.items():
            self.hall.stations[name] = Station(name, helper, self.fleet.desk, self.hall._tell)
        self.page = create_page(self.fleet, self.hall, connected.events)
        self.client = TestClient(self.page, follow_redirects=False, client=("127.0.0.1", 50000))

    def take(self, lines: list[str]) -> None:
        with self.fleet.store.write() as session:
            LineTaker("card", IMPORT).take(session, self.fleet.site_id, lines)

    def post(self, path: str, token: str = "", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"/api/fleet{path}", json=body, headers=headers)

    def get(self, path: str, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.get(path, headers=headers)

    def account(self, name: str, role: str) -> str:
        """A new account's token."""
        accounts = self.fleet.accounts
        accounts.add(name, role, PASSWORD, "setup")
        return accounts.make_token(name, "test", 1, "setup")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    for name in ("one", "two"):
        made.hall.stations[name].state = "empty"
    yield made
    made.fleet.store.close()


# -- who may do what ---------------------------------------------------------------------------------------------------


def test_before_there_are_accounts_whoever_sits_at_the_bench_may_do_everything(served: Served) -> None:
    assert served.get("/api/fleet/stations").status_code == 200
    assert served.post("/accounts", name="otto", role="operator", password=PASSWORD).status_code == 422
    assert served.post("/accounts", name="eva", role="engineer").status_code == 422
    assert served.post("/accounts", name="eva", role="engineer", password=PASSWORD).status_code == 201
    assert served.get("/api/fleet/stations").status_code == 401


def test_each_role_may_do_its_work_and_no_more(served: Served) -> None:
    engineer, operator, viewer = (served.account(role[:3], role) for role in ("engineer", "operator", "viewer"))
    for token, may in ((engineer, 200), (operator, 200), (viewer, 403)):
        assert served.post("/stations/one/pause", token, paused=True).status_code == may
    for token, may in ((engineer, 200), (operator, 403), (viewer, 403)):
        assert served.post("/stations/one/service", token, why="dusty").status_code == may
        assert served.get("/api/fleet/audit", token).status_code == may
    assert served.get("/api/fleet/units", viewer).status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "bmsr_" + "x" * 43])
def test_a_missing_or_wrong_token_opens_nothing(served: Served, token: str) -> None:
    served.account("eva", "engineer")
    for path in ("/api/fleet/stations", "/api/fleet/units", "/api/fleet/export.csv", "/metrics", "/api/fleet/events"):
        answer = served.get(path, token)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (401, "who")


def test_an_account_is_changed_by_an_engineer_only(served: Served) -> None:
    engineer, operator = served.account("eva", "engineer"), served.account("otto", "operator")
    for token, status in ((operator, 403), (engineer, 200)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = served.client.patch("/api/fleet/accounts/otto", json={"disabled": True}, headers=headers)
        assert answer.status_code == status
    assert served.get("/api/fleet/stations", operator).status_code == 401


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "another horse battery"}])
def test_a_session_ends_when_its_account_is_shut_or_gets_another_password(
    served: Served, change: dict[str, Any]
) -> None:
    served.account("eva", "engineer")
    served.account("otto", "operator")
    served.client.post("/login", data={"name": "otto", "password": PASSWORD})
    assert served.get("/api/fleet/stations").status_code == 200
    served.fleet.accounts.change("otto", "eva", role="viewer")
    assert served.post("/stations/one/pause", paused=True).status_code == 403
    served.fleet.accounts.change("otto", "eva", **change)
    assert served.get("/api/fleet/stations").status_code == 401


def test_the_page_sends_a_stranger_to_the_login_and_lets_in_who_has_a_password(served: Served) -> None:
    served.account("eva", "engineer")
    html = {"Accept": "text/html"}
    answer = served.client.get("/", headers=html)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    wrong = served.client.post("/login", data={"name": "eva", "password": "wrong"})
    assert wrong.status_code == 401
    assert "name or password is wrong" in wrong.text
    answer = served.client.post("/login", data={"name": "eva", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert served.client.get("/", headers=html).status_code == 200
    served.client.post("/logout")
    assert served.client.get("/", headers=html).status_code == 303


def test_passwords_cannot_be_tried_out(served: Served) -> None:
    served.account("eva", "engineer")
    tries = [served.client.post("/login", data={"name": "eva", "password": f"wrong {n}"}) for n in range(WRONG_TRIES)]
    assert {answer.status_code for answer in tries} == {401}
    slow = served.client.post("/login", data={"name": "eva", "password": PASSWORD})
    assert slow.status_code == 429
    assert "too many wrong passwords" in slow.text


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_script_from_a_record_is_shown_as_text_in_every_view(served: Served) -> None:
    diagnosis = {"cause": SCRIPT, "sentence": SCRIPT, "evidence": [SCRIPT]}
    served.take(chain("h1", 1, diagnosis=diagnosis, plan=[SCRIPT], unit={"uid": SCRIPT, "name": SCRIPT}))
    views = ("/units", "/units/1", "/attempts/h1/1", "/figures", "/figures/slow", f"/units?q={SCRIPT}")
    more = ("/line?by=cause", "/line?by=chip", "/attempts", f"/attempts?cause={SCRIPT}", f"/line?station={SCRIPT}")
    for path in views + more:
        answer = served.get(path)
        assert answer.status_code in (200, 303)
        assert SCRIPT not in answer.text


@pytest.mark.parametrize("q", ["'; DROP TABLE units; --", "%", "_", "\\", "\0", "x" * 64, "é" * 10, "' OR '1'='1"])
def test_a_search_is_text_and_nothing_else(served: Served, q: str) -> None:
    served.take(chain("h1", 5))
    answer = served.client.get("/units", params={"q": q})
    assert answer.status_code == 200
    assert len(served.get("/api/fleet/units").json()) == 5
    if q not in ("\0",):
        assert served.client.get("/api/fleet/units", params={"q": q}).json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/stations/one/attempts",
        "/stations/one/trends",
        f"/attempts/{line_hash(chain('h1', 1)[0])}/beside",
    ],
)
def test_a_stations_view_loads_its_slower_parts_by_themselves(served: Served, path: str) -> None:
    served.take(chain("h1", 2))
    answer = served.get(path)
    assert answer.status_code == 200
    assert "<html" not in answer.text


def test_each_view_is_opened_by_a_test() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    opened = re.findall(r"""["'](/[^"'\s?]*)""", sources)
    names = sorted(path.stem for path in Path(pages.__file__).parent.glob("pages*.py"))
    modules = [importlib.import_module(f"{pages.__package__}.{name}") for name in names]
    views = [route.path_regex for module in modules for route in module.router.routes]
    missing = [view.pattern for view in views if not any(view.match(path) for path in opened)]
    where = "test_each_view_passes_the_accessibility_check of tests/fleet/test_page_in_browser.py"
    assert not missing, f"add the path to {where}, or open it in another test of tests/fleet: {missing}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/units/99", 404),
        ("/units/99999999999999999999999", 404),
        ("/units/x", 400),
        ("/attempts/h1/7", 404),
        ("/attempts/none/beside", 404),
        ("/attempts/h1/99999999999999999999999", 404),
        ("/stations/none", 404),
        ("/figures?days=0", 400),
        ("/figures?days=x", 400),
        ("/api/fleet/audit?count=100000", 400),
        ("/units?q=" + "x" * 65, 400),
        ("/line?from=yesterday", 400),
        ("/line?from=1890-01-01", 400),
        ("/line?by=moon", 400),
        ("/line?hour=24", 400),
        ("/attempts?sort=moon", 400),
        ("/attempts?from=2026-01-01&to=2025-01-01", 200),
        ("/static/../app.py", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_told(served: Served, path: str, status: int) -> None:
    assert served.get(path).status_code == status


def test_a_label_at_another_station_is_refused(served: Served) -> None:
    served.hall.stations["one"].state = "working"
    served.hall.stations["one"].label = "SN-1"
    answer = served.post("/scan", text="SN-1", station="two")
    assert (answer.status_code, answer.json()["error"]["message"]) == (409, "SN-1 is at station one")


def test_a_scan_goes_to_the_station_that_waits_or_to_the_one_whose_name_was_scanned(served: Served) -> None:
    one, two = served.hall.stations.values()
    one.state = two.state = "wait for label"
    answer = served.post("/scan", text="SN-1")
    assert answer.status_code == 409
    assert "several stations wait" in answer.json()["error"]["message"]
    assert served.post("/scan", text="two").json()["station"] == "two"
    assert served.post("/scan", text="SN-1").json()["station"] == "two"
    assert served.post("/scan", text="SN-2").json()["station"] == "one"


def test_an_oversized_upload_is_refused(served: Served) -> None:
    files = [("files", ("job.json", b"{}")), ("files", ("image.bin", b"x" * (9 * 1024 * 1024)))]
    answer = served.client.post("/api/fleet/releases", files=files)
    assert answer.status_code == 422
    assert "larger than any" in answer.json()["error"]["message"]


def test_a_page_runs_only_its_own_scripts(served: Served) -> None:
    policy = served.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe-eval" not in policy
    assert "script-src" not in policy
    assert "http" not in served.get("/").text.replace('http-equiv="', ""), "everything comes from here"


# -- what comes out ----------------------------------------------------------------------------------------------------


def test_a_job_is_released_by_upload_and_rolled_back(served: Served) -> None:
    files = [("files", (name, data)) for name, data in default_card_files().items()]
    answer = served.client.post("/api/fleet/releases", files=files, data={"note": "first", "allowance": "20"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["version"], answer.json()["remaining"]) == (1, 20)
    served.client.post("/api/fleet/releases", files=files)
    answer = served.post("/releases/bms-1.2.0/rollback", version=1, why="dark display")
    assert answer.json()["version"] == 1
    assert [entry["action"] for entry in served.get("/api/fleet/audit").json()][:2] == [
        "job rolled back",
        "job released",
    ]


def test_units_come_a_page_at_a_time(served: Served) -> None:
    served.take(chain("h1", 130))
    newest = served.get("/units").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', newest)
    rest = served.get(older.replace("&amp;", "&")).text
    pages = [re.findall(r'<td><a href="/units/([0-9]+)"', page) for page in (newest, rest)]
    assert [len(page) for page in pages] == [100, 30]
    assert len({*pages[0], *pages[1]}) == 130
    assert 'rel="next"' not in rest


def test_exports_hold_every_attempt_and_no_formula(served: Served) -> None:
    served.take([*chain("h1", 3), *chain("=cmd|calc", 1)])
    rows = list(csv.DictReader(io.StringIO(served.get("/api/fleet/export.csv").text)))
    assert [row["helper"] for row in rows] == ["h1", "h1", "h1", "'=cmd|calc"]
    lines = served.get("/api/fleet/export.jsonl").text.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2, 3, 1]


def test_figures_count_units_and_not_faults_of_the_tool(served: Served) -> None:
    lines: list[str] = []
    outcomes = ["RECOVERED"] * 18 + ["NOT_FIRMWARE"] * 2 + ["TOOL_ERROR"] * 5 + ["NO_FAULT_FOUND"] * 5
    for number, outcome in enumerate(outcomes, 1):
        lines += chain(f"h{number}", 1, outcome=outcome, diagnosis=sample()["diagnosis"] | {"cause": "update-cut"})
    served.take(lines)
    told = served.get("/api/fleet/figures").json()
    week = told["weeks"][0]["recovered"]
    assert (week["count"], week["total"]) == (18, 20)
    assert (round(week["low"], 3), round(week["high"], 3)) == (0.699, 0.972)
    assert (told["no_fault_found"]["count"], told["no_fault_found"]["total"]) == (5, 25)
    assert sum(bar["count"] for bar in told["pareto"]) == 20, "nothing wrong is no cause"
    assert told["pareto"][-1]["cumulative"] == pytest.approx(1.0)


def test_figures_tell_what_firmware_units_carried_and_why_those_failed(served: Served) -> None:
    diagnosis = sample()["diagnosis"] | {"cause": "update-cut"}
    evidence = {"version": {"found": "1.1.0 <b>"}}
    served.take(chain("h1", 3, evidence=evidence, diagnosis=diagnosis, outcome="RECOVERED"))
    served.take(chain("h2", 2, outcome="RECOVERED"))
    told = served.get("/api/fleet/figures?firmware=1.1.0 <b>").json()
    assert [(one["firmware"], one["ended_well"]["total"]) for one in told["firmware"]] == [("1.1.0 <b>", 3), ("", 2)]
    assert [(bar["cause"], bar["count"]) for bar in told["pareto"]] == [("update-cut", 3)]
    assert sum(bar["count"] for bar in served.get("/api/fleet/figures?firmware=").json()["pareto"]) == 2
    page = served.get("/figures?firmware=1.1.0%20%3Cb%3E").text
    assert "with firmware 1.1.0 &lt;b&gt;" in page
    assert "not known" in page
    assert served.get("/figures?firmware=%00").status_code == 200


def test_from_a_bar_to_its_attempts_to_one_record_in_three_clicks(served: Served) -> None:
    served.take([*chain("h1", 3, outcome="RECOVERED"), *chain("h2", 2, outcome="UNSAFE")])
    figures = served.get("/line?by=outcome").text
    links = [html.unescape(link) for link in re.findall(r'href="(/attempts[^"]*)"', figures)]
    of_outcome = next(link for link in links if "outcome=UNSAFE" in link and "ended" not in link)
    behind = served.get(of_outcome).text
    assert re.findall(r"h[12] [0-9]+(?=</a>)", behind) == ["h2 2", "h2 1"]
    assert served.get(re.findall(r'href="(/attempts/[0-9a-f]{64})"', behind)[0]).status_code == 200
    told = served.get("/api/fleet/line").json()
    assert (told["totals"]["ended_well"]["count"], told["totals"]["ended_well"]["total"]) == (3, 5)
    assert "Before: none" in re.sub(r"<[^>]*>", "", figures)


def test_figures_for_which_many_attempts_are_gone_through_come_after_the_page(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.take(chain("h1", 12, outcome="RECOVERED"))
    address = "/line?cause=blank&by=outcome"
    at_once = served.client.get(address).text
    assert 'class="tiles"' in at_once
    monkeypatch.setattr(pages_line, "_AT_ONCE", 0)
    assert 'class="tiles"' in served.client.get("/line").text, "without a filter nothing is gone through"
    page = served.client.get(address).text
    assert 'class="tiles"' not in page
    (later,) = re.findall(r'hx-get="(/line/figures[^"]*)"', page)
    part = served.client.get(later.replace("&amp;", "&")).text
    bare = re.compile(r"<[^>]*>")
    assert bare.sub("", part).strip() in bare.sub("", at_once), "the same figures"
    assert "/line/figures" not in part, "columns are sorted in the view itself"


def test_of_very_many_attempts_the_newest_are_put_in_another_order(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.take(chain("h1", 12, outcome="RECOVERED"))
    every = re.findall(r">h1 (\d+)</a>", served.client.get("/attempts").text)
    monkeypatch.setattr(listing, "MOST_COUNTED", 5)
    assert re.findall(r">h1 (\d+)</a>", served.client.get("/attempts").text) == every
    found = re.findall(r">h1 (\d+)</a>", served.client.get("/attempts?sort=duration").text)
    assert sorted(found) == sorted(every[:5])


def test_what_people_say_of_a_unit_stands_on_its_page_as_text(served: Served) -> None:
    served.take(chain("h1", 1, outcome="RECOVERED"))
    life = "/units/1"
    assert served.post(f"{life}/disposition", disposition="released").status_code == 422
    assert served.post(f"{life}/tests", values=f"{SCRIPT}, 3.6, V, 3.5, 3.7", text=SCRIPT).status_code == 201
    assert served.post(f"{life}/disposition", disposition="released").status_code == 201
    assert served.post(f"{life}/card", customer=SCRIPT, rma="RMA-7").status_code == 200
    assert served.post(f"{life}/notes", text=SCRIPT).status_code == 201
    assert served.post(f"{life}/labels", label="BR16S-24000009").status_code == 201
    assert served.post(f"{life}/photos", url="https://photos.example/7.jpg", text=SCRIPT).status_code == 201
    assert served.post(f"{life}/photos", url="javascript:alert(1)").status_code == 422
    shown = served.get("/units/1").text
    assert SCRIPT not in shown
    assert 'href="https://photos.example/7.jpg"' in shown
    told = served.get("/api/fleet/units/1/life").json()
    assert (told["card"]["rma"], told["card"]["disposition"], told["protection_test"]) == ("RMA-7", "released", "pass")
    assert served.get("/units?q=RMA-7").headers["location"] == "/units/1"
    viewer = served.account("vera", "viewer")
    assert served.post(f"{life}/notes", viewer, text="x").status_code == 403


def test_metrics_tell_stations_and_attempts(served: Served) -> None:
    served.take(chain("h1", 2, outcome="RECOVERED"))
    text = served.get("/metrics").text
    assert 'bmsrescue_stations{state="empty"} 2.0' in text
    assert 'bmsrescue_attempts_total{outcome="RECOVERED"} 2.0' in text


def test_the_openapi_document_names_every_path(served: Served) -> None:
    paths = served.get("/fleet/openapi.json").json()["paths"]
    assert {"/api/fleet/stations", "/api/fleet/scan", "/api/fleet/releases", "/metrics"} <= set(paths)


def test_an_attempts_record_is_given_as_it_was_sealed(served: Served) -> None:
    (line,) = chain("h1", 1)
    served.take([line])
    assert served.get("/api/fleet/attempts/h1/1").json()["line"] == line


def test_a_days_limit_is_kept(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = ledger.now().replace(year=2020)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "now", lambda: long_ago)
        served.take(chain("h1", 3))
    assert served.get("/api/fleet/figures?days=30").json()["outcomes"] == {}
    assert sum(served.get("/api/fleet/figures?days=36500").json()["outcomes"].values()) == 3


def test_a_token_for_decisions_makes_nobody_who_may_more(served: Served) -> None:
    """Neither another token, nor a badge, nor an account: each could be for all that it is not for."""
    engineer = served.account("eva", "engineer")
    decides = served.fleet.accounts.make_token("eva", "releases", 1, "setup", ["see", "stations", "decide"])
    makes: tuple[tuple[str, dict[str, Any], int], ...] = (
        ("/accounts/eva/tokens", {"purpose": "gdb", "days": 1, "scopes": ["helpers"]}, 201),
        ("/accounts/eva/badge", {}, 201),
        ("/accounts", {"name": "mallory", "role": "engineer", "password": PASSWORD}, 201),
    )
    for path, body, made in makes:
        assert served.post(path, decides, **body).status_code == 403
        assert served.post(path, engineer, **body).status_code == made
    for token, status in ((decides, 403), (engineer, 200)):
        headers = {"Authorization": f"Bearer {token}"}
        change = {"role": "viewer"}
        answer = served.client.patch("/api/fleet/accounts/mallory", json=change, headers=headers)
        assert answer.status_code == status


# -- from another machine ----------------------------------------------------------------------------------------------


def test_before_there_are_accounts_another_machine_may_do_nothing(served: Served) -> None:
    elsewhere = TestClient(served.page, client=("192.0.2.7", 50000))
    assert elsewhere.get("/api/fleet/stations").status_code == 401


def test_the_daemons_own_api_takes_an_engineers_token_from_this_machine_and_any_other(served: Served) -> None:
    engineer, operator = served.account("eva", "engineer"), served.account("otto", "operator")
    looks = served.fleet.accounts.make_token("eva", "screen", 1, "setup", ["see", "stations", "decide"])
    debugger = served.fleet.accounts.make_token("eva", "gdb", 1, "setup", ["helpers"])
    daemon = FastAPI()
    daemon.add_api_route("/api/helpers", lambda: ["h1"])
    daemon.add_middleware(Guard)
    daemon.state.door = served.page.state.access
    for address in ("192.0.2.7", "127.0.0.1"):
        client = TestClient(daemon, client=(address, 50000))
        tokens = (("", 401), ("nonsense", 401), (operator, 403), (looks, 403), (debugger, 200), (engineer, 200))
        for token, status in tokens:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            assert client.get("/api/helpers", headers=headers).status_code == status
    assert served.get("/api/fleet/units", debugger).status_code == 403
    # The owner's socket says so itself; a missing address says nothing: a connection that was reset has none.
    assert TestClient(OwnersSocket(daemon), client=("", 0)).get("/api/helpers").json() == ["h1"]
    assert TestClient(daemon, client=None).get("/api/helpers").status_code == 401  # type: ignore[arg-type]
