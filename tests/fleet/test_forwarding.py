"""A bench's work reaches the store that several benches share: exactly once, in order, whatever is cut off."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.forward import Forwarder, LedgerConflictError, SharedLink
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.lookup import attempts_called
from bmsrescue.fleet.models import Attempt, AuditEntry, DayCount, LedgerEntry, QuarantinedLine, SealedLine
from bmsrescue.fleet.records.cards import find_cards, import_card
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.store import Store, sqlite_url
from postgres_server import PostgresServer
from sealed_records import chain, write_card


class OneBench:
    """A bench with a store of its own, which may be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(sqlite_url(folder))
        with self.store.write() as session:
            self.id = ledger.own_site(session, folder.name)

    def take(self, lines: list[str]) -> None:
        card = write_card(self.folder / "card", lines)
        import_card(self.store, self.id, BackupFolder(str(self.folder / "backups")), find_cards(card)[0])

    def forward(self, shared: Store) -> None:
        forwarder = Forwarder(self.store, shared, self.id, self.folder.name)
        while forwarder.turn().more:
            pass


def numbers(store: Store, bench: str) -> list[int]:
    with store.read() as session:
        ordered = select(LedgerEntry.number).where(LedgerEntry.bench == bench).order_by(LedgerEntry.number)
        return list(session.scalars(ordered))


def attempts(store: Store) -> list[tuple[str, int, str]]:
    with store.read() as session:
        rows = session.execute(select(Attempt.helper, Attempt.sequence, Attempt.cause).order_by(Attempt.id))
        return [tuple(row) for row in rows]


def test_everything_arrives_in_order_and_again_brings_nothing(store: Store, tmp_path: Path) -> None:
    bench = OneBench(tmp_path / "hall-1")
    bench.take([*chain("h1", 450), "garbage"])
    for _twice in range(2):
        bench.forward(store)
        assert numbers(store, bench.id) == list(range(1, 453))
        assert attempts(store) == attempts(bench.store)


def test_what_comes_later_goes_on_where_it_stopped_after_a_restart(store: Store, tmp_path: Path) -> None:
    lines = chain("h1", 30)
    first = OneBench(tmp_path / "hall-1")
    first.take(lines[:10])
    first.forward(store)
    first.take(lines[:20])
    first.store.close()
    again = OneBench(tmp_path / "hall-1")
    again.take(lines)
    again.forward(store)
    assert again.id == first.id
    assert [sequence for _helper, sequence, _cause in attempts(store)] == list(range(1, 31))


def test_an_answer_that_was_lost_doubles_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = OneBench(tmp_path / "hall-1")
    bench.take(chain("h1", 20))
    stale = ledger.position
    with monkeypatch.context() as patched:
        # The shared store took everything, and the bench asks a state of before.
        bench.forward(store)
        answers = iter([(0, "")])
        patched.setattr(ledger, "position", lambda session, one: next(answers, None) or stale(session, one))
        Forwarder(bench.store, store, bench.id).turn()
    assert numbers(store, bench.id) == list(range(1, 22))


def test_two_benches_never_overwrite_each_other(store: Store, tmp_path: Path) -> None:
    one, two = OneBench(tmp_path / "hall-1"), OneBench(tmp_path / "hall-2")
    one.take(chain("h1", 10))
    two.take(chain("h2", 10))
    one.forward(store)
    two.forward(store)
    one.take(chain("h1", 15))
    one.forward(store)
    assert numbers(store, one.id) == list(range(1, 18))
    assert numbers(store, two.id) == list(range(1, 12))
    assert len(attempts(store)) == 25


def test_a_card_that_was_imported_at_two_benches_is_there_once(store: Store, tmp_path: Path) -> None:
    for name in ("hall-1", "hall-2"):
        bench = OneBench(tmp_path / name)
        bench.take(chain("pocket", 12))
        bench.forward(store)
    assert len(attempts(store)) == 12


@pytest.mark.parametrize("numbers", [("e6614c311b7e8f2a", "e6614c311b1d0c33"), (None, None)])
def test_two_helpers_of_one_name_at_two_benches_are_both_there_whole(
    store: Store, tmp_path: Path, numbers: tuple[str | None, str | None]
) -> None:
    """Also those of agents that did not tell the number of their hardware: no attempt goes for another one's sake."""
    for seed, name in enumerate(("hall-1", "hall-2")):
        bench = OneBench(tmp_path / name)
        known = {"helper_id": numbers[seed]} if numbers[seed] else {}
        bench.take(chain("helper-1", 3, seed=seed, **known))
        bench.forward(store)
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(QuarantinedLine)) == 0
        lines = session.scalars(select(SealedLine.line).order_by(SealedLine.attempt_id)).all()
        assert session.scalar(select(func.sum(DayCount.count))) == 6
        of_one = attempts_called(session, "helper-1", 2)
    made = [chain("helper-1", 3, seed=s, **({"helper_id": numbers[s]} if numbers[s] else {})) for s in (0, 1)]
    assert lines == made[0] + made[1]
    assert len(of_one) == 2


def test_a_copied_data_folder_is_found_out(store: Store, tmp_path: Path) -> None:
    bench = OneBench(tmp_path / "hall-1")
    bench.take(chain("h1", 5))
    bench.store.close()
    shutil.copytree(tmp_path / "hall-1", tmp_path / "copy")
    original, copy = OneBench(tmp_path / "hall-1"), OneBench(tmp_path / "copy")
    original.take(chain("h1", 8))
    copy.take(chain("h1", 5) + chain("h3", 4))
    original.forward(store)
    with pytest.raises(LedgerConflictError, match="differs from its copy"):
        copy.forward(store)
    assert len(attempts(store)) == 8


def test_an_entry_that_was_changed_is_found_out(store: Store, tmp_path: Path) -> None:
    bench = OneBench(tmp_path / "hall-1")
    bench.take(chain("h1", 5))
    with bench.store.write() as session:
        session.execute(text("UPDATE ledger SET body = replace(body, 'h1', 'h9') WHERE number = 3"))
    with pytest.raises(LedgerConflictError, match=r"entry 3 of bench .* was changed"):
        bench.forward(store)


def test_what_is_decided_in_the_shared_store_comes_to_every_bench(store: Store, tmp_path: Path) -> None:
    with store.write() as session:
        shared = ledger.own_site(session, "shared")
        content = {"actor": "eva", "action": "limits", "subject": "vcap", "details": {"low": 940}}
        project(session, ledger.append(session, shared, [News(ledger.AUDIT, content)]))
    for name in ("hall-1", "hall-2"):
        bench = OneBench(tmp_path / name)
        bench.forward(store)
        with bench.store.read() as session:
            entry = session.scalars(select(AuditEntry)).one()
            assert (entry.actor, entry.details) == ("eva", {"low": 940})


def test_a_clock_that_goes_backwards_does_not_change_the_order(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = chain("h1", 4)
    bench = OneBench(tmp_path / "hall-1")
    bench.take(lines[:2])
    earlier = ledger.now().replace(year=2001)
    monkeypatch.setattr(ledger, "now", lambda: earlier)
    bench.take(lines)
    bench.forward(store)
    assert [sequence for _helper, sequence, _cause in attempts(store)] == [1, 2, 3, 4]


def test_a_bench_works_on_while_the_shared_store_is_away(
    postgres: PostgresServer, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    bench = OneBench(tmp_path / "hall-1")
    link = SharedLink(bench.store, url, bench.id, "hall-1")
    bench.take(chain("h1", 5))
    assert link.catch_up()
    postgres.kill()
    bench.take(chain("h1", 300))
    assert not link.catch_up()
    assert link.problem is not None
    postgres.start()
    assert link.catch_up()
    assert len(attempts(link.shared)) == 300
    link.close()


_FORWARD = """
import sys
from bmsrescue.fleet import forward, ledger
from bmsrescue.fleet.store import Store
forward._ENTRIES_AT_ONCE = 7
own, shared = Store.open(sys.argv[1]), Store.open(sys.argv[2])
with own.write() as session:
    bench = ledger.own_site(session)
print("ready", flush=True)
while forward.Forwarder(own, shared, bench).turn().more:
    pass
"""


def test_a_bench_that_is_killed_while_it_forwards_loses_and_doubles_nothing(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    bench = OneBench(tmp_path / "hall-1")
    bench.take(chain("h1", 400))
    for round_number in range(2):
        arguments = [sys.executable, "-c", _FORWARD, sqlite_url(bench.folder), store_url]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 + 0.15 * round_number)
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        arrived = numbers(store, bench.id)
        assert arrived == list(range(1, len(arrived) + 1))
    bench.forward(store)
    assert attempts(store) == attempts(bench.store)
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 400
