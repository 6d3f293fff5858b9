"""Each list is sorted by a click on a column's head: on the server, by the address, also over several pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.lookup import MAX_FOUND
from bmsrescue.fleet.models import Backup, Booking, CardImport, QuarantinedLine, Unit, UnitLabel
from bmsrescue.fleet.records.taking import BENCH, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.ordering import Order
from fake_station import NoHelpers
from sealed_records import chain

_WEB = Path(__file__).parents[2] / "host" / "bmsrescue" / "fleet" / "web"
_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    one = Fleet(Config(), tmp_path)
    yield one
    one.store.close()


@pytest.fixture
def client(fleet: Fleet) -> TestClient:
    connected = NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    return TestClient(create_page(fleet, hall, connected.events), client=("127.0.0.1", 50000))


def table(page: str, name: str) -> tuple[dict[str, str], list[list[str]]]:
    """A table of a page: the address behind each head, and the text of each cell."""
    found = re.search(rf'<div class="wide" id="{name}".*?</table>', page, re.DOTALL)
    assert found, name
    heads = re.findall(r'<th[^>]*><a href="([^"]*)">(.*?)</a>', found[0])
    rows = re.findall("<tr>(.*?)</tr>", found[0].partition("<tbody>")[2], re.DOTALL)
    cells = [[re.sub("<[^>]*>", "", one).strip() for one in re.findall("<td.*?</td>", row, re.DOTALL)] for row in rows]
    return {words: unescape(href).split("#")[0] for href, words in heads}, cells


def test_rows_are_sorted_as_people_do_and_what_has_no_value_comes_last() -> None:
    rows = [
        SimpleNamespace(name=name, of=SimpleNamespace(n=n))
        for name, n in (("bench-10", 3), ("Bench-2", None), ("", 1), (None, 2), ("bench-1", 0.5))
    ]
    names = [one.name for one in Order("/x", (), "t", "name").rows("t", rows, "name", "of.n")]
    assert names[:3] == ["bench-1", "Bench-2", "bench-10"]
    assert [one.name for one in Order("/x", (), "t", "name", True).rows("t", rows, "name")][:3] == names[2::-1]
    assert [one.of.n for one in Order("/x", (), "t", "of.n", True).rows("t", rows, "of.n")] == [3, 2, 1, 0.5, None]
    for order in (
        Order("/x", ()),
        Order("/x", (), "u", "name"),
        Order("/x", (), "t", "__class__"),
        Order("/x", (), "t", "of"),
    ):
        assert order.rows("t", rows, "name") == rows, "what is no column changes nothing"


def test_a_head_links_to_its_order_and_back_and_keeps_the_rest_of_the_address() -> None:
    order = Order("/line", (("from", "2026-03-01"), ("page", "3"), ("order", "t:-n")), "t", "n", True)
    assert order.link("t", "n") == 'href="/line?from=2026-03-01&amp;order=t%3An#t"'
    assert order.mark("t", "n") == 'aria-sort="descending"'
    assert order.mark("t", "other") == order.mark("u", "n") == ""
    assert order.address(page=4) == "/line?from=2026-03-01&order=t%3A-n&page=4"
    paged = Order("/units", (), "units", "chip", stored={"units": ("seen",)})
    assert paged.link("units", "chip") == paged.mark("units", "chip") == "", "only what the store can sort by"
    assert paged.by("units", "seen") == ("seen", True)


def fill(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet.store.write() as session:
        bench = ledger.own_site(session)
        for number in range(6):
            at = _AT + timedelta(hours=number)
            monkeypatch.setattr(ledger, "now", lambda at=at: at)
            booked = {"station": f"bench-{12 - number}", "operator": "rita", "label": f"L{number}", "release_id": None}
            session.add(Booking(helper="h", helper_id="label h", after_sequence=number, made_at=at, **booked))
            session.flush()
            (line,) = chain("h", 1, first=number + 1, seed=number, virtual_ms=1000 * (number * 5 % 6 + 1))
            LineTaker("card", BENCH).take(session, bench, [line])
        session.add_all(
            Backup(sha256=f"{n:064x}", size=n, place="x", stored_at=_AT + timedelta(days=n)) for n in range(3)
        )
        session.add_all(
            CardImport(
                at=_AT + timedelta(days=n), source=f"c{9 - n}", lines=n, new=n, known=0, quarantined=0, breaks=[]
            )
            for n in range(3)
        )


@pytest.mark.parametrize(
    ("path", "name", "head"),
    [
        ("/line?from=2026-03-01&to=2026-03-02", "groups", "Mean s"),
        ("/line?from=2026-03-01&to=2026-03-02", "groups", "Station"),
        ("/line?from=2026-03-01&to=2026-03-02", "stations", "Working min"),
        ("/line?from=2026-03-01&to=2026-03-02", "steps", "Middle s"),
        ("/line?from=2026-03-01&to=2026-03-02", "shifts", "Ended well"),
        ("/attempts?from=2026-03-01&to=2026-03-02", "attempts", "Took s"),
        ("/figures?days=36500", "causes", "Count"),
        ("/figures?days=36500", "firmware", "Firmware"),
        ("/figures?days=36500", "weeks", "Week of"),
        ("/figures/slow?days=36500", "rails", "Mean mV"),
        ("/backups", "backups", "KiB"),
        ("/health", "imports", "Lines"),
        ("/units", "units", "Labels"),
        ("/units", "units", "Chip identity"),
        ("/units", "units", "First seen"),
        ("/stations/bench-7/attempts", "attempts", "Cause"),
    ],
)
def test_each_table_is_sorted_by_a_click(
    client: TestClient, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, path: str, name: str, head: str
) -> None:
    fill(fleet, monkeypatch)
    if name == "attempts" and path.startswith("/attempts"):
        page = client.get(path).text
        assert 'aria-sort="descending"' in page
        return
    heads, unsorted = table(client.get(path).text, name)
    part = path.split("?")[0]
    answers = []
    for _click in range(2):
        address = heads[head]
        if part.count("/") > 1:  # a part of a view, which the view asks for with the same order
            address = f"{part}?{address.partition('?')[2]}"
        page = client.get(address).text
        heads, rows = table(page, name)
        assert page.count("aria-sort=") == 1
        answers.append(rows)
    assert sorted(answers[0]) == sorted(answers[1]) == sorted(unsorted), "the same rows"
    head_row = re.search(rf'id="{name}".*?</thead>', page, re.DOTALL)
    assert head_row
    column = re.findall(r"<th(?: [^>]*)?>(?:<a[^>]*>)?(.*?)(?:</a>)?</th>", head_row[0]).index(head)
    one, other = ([row[column] for row in rows] for rows in answers)
    assert one == other[::-1] or len(set(one)) < len(one)
    if head.endswith((" s", " mV", "min", "Count", "Lines", "KiB")):
        numbers = [float(value) for value in one]
        assert numbers == sorted(numbers, reverse=True), "numbers the most first"


def test_units_of_many_pages_are_each_there_once_in_any_order(client: TestClient, fleet: Fleet) -> None:
    count = 2 * MAX_FOUND + 7
    with fleet.store.write() as session:
        for number in range(count):
            mixed = number * 37 % count
            unit = Unit(uid=f"{mixed:024X}" if number % 5 else None, chip="STM32H725", first_seen=_AT)
            session.add(unit)
            session.flush()
            session.add(UnitLabel(unit_id=unit.id, label=f"L{mixed % 90:03d}-{number}", first_seen=_AT))
    for order, column in (("labels.0", 0), ("-labels.0", 0), ("uid", 1), ("-uid", 1), ("first_seen", 3)):
        seen: list[str] = []
        address: str | None = f"/units?order=units:{order}"
        pages = 0
        while address is not None:
            page = client.get(address).text
            seen += [row[0 if column == 3 else column] for row in table(page, "units")[1]]
            following = re.search(r'rel="next" href="([^"]*)"', page)
            address = unescape(following[1]) if following else None
            pages += 1
        assert pages == 3 if column != 1 else pages == 2
        assert len(seen) == len(set(seen)) == (sum(1 for n in range(count) if n % 5) if column == 1 else count)
        if column != 3:
            assert seen == sorted(seen, reverse=order.startswith("-"))


def test_of_many_pages_only_what_the_store_sorts_by_has_a_link(client: TestClient, fleet: Fleet) -> None:
    lines: dict[str, Any] = {"source": "card", "why": "no JSON", "text": "x"}
    with fleet.store.write() as session:
        session.add_all(
            QuarantinedLine(sha256=f"{n:064x}", line_number=n, seen_at=_AT + timedelta(minutes=n), **lines)
            for n in range(130)
        )
    page = client.get("/quarantine").text
    heads, rows = table(page, "aside")
    assert set(heads) == {"When"}
    heads, oldest = table(client.get(heads["When"].replace("%3A-", "%3A")).text, "aside")
    assert [row[2] for row in oldest[:3]] == ["0", "1", "2"]
    assert rows[0][2] == "129"


def test_every_list_of_the_templates_can_be_sorted() -> None:
    plain = {"accounts.html", "beside.html", "release.html", "test_values.html", "attempt.html"}  # a report's, a form's
    for template in sorted((_WEB / "templates").glob("*.html")):
        text = template.read_text()
        if template.name in plain:
            continue
        for region in re.findall(r'<div class="wide".*?</table>', text, re.DOTALL):
            sortable = "order.link(" in region or "head(" in region
            assert sortable or "<thead>" not in region or "Consents" in region or "Rules" in region, (
                f"{template.name}: a table whose heads sort nothing: {region[:100]}"
            )
