"""Stores to test on: each test that asks for `store` runs on SQLite and on a real PostgreSQL.

The migrations run once for each of the two. A new store of a test begins with a copy of what they have made.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver
from sqlalchemy import Engine

from bmsrescue.fleet import store as store_module
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.private import RECORDS_FILE
from postgres_server import PostgresServer, find_programs, running_server

_names = itertools.count(1)
_MIGRATED = "migrated"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite store with all tables and nothing in them."""
    folder = tmp_path_factory.mktemp("migrated")
    Store.open(sqlite_url(folder)).close()
    return (folder / RECORDS_FILE).read_bytes()


@pytest.fixture(scope="module", autouse=True)
def stores_begin_migrated(migrated_file: bytes) -> Iterator[None]:
    """An empty file that is opened as a store becomes one without a migration; `migrate` still looks at it."""
    migrate = store_module._migrate

    def copy_and_migrate(engine: Engine) -> None:
        path = engine.url.database
        if engine.dialect.name == "sqlite" and path and not Path(path).stat().st_size:
            Path(path).write_bytes(migrated_file)
        migrate(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "_migrate", copy_and_migrate)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if find_programs() is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed")
    with running_server() as server:
        yield server


def _made(postgres: PostgresServer, name: str, how: str = "") -> str:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {how}")
    return postgres.url(name)


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> str:
    """The name of a database with all tables and nothing in them."""
    Store.open(_made(postgres, _MIGRATED)).close()
    return _MIGRATED


@pytest.fixture
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Makes an empty database on the server and returns its URL."""
    return lambda: _made(postgres, f"test_{next(_names)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store of `store` is; in a test that asks for no `store`, where there is none yet."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store")
    postgres = request.getfixturevalue("postgres")
    how = f"TEMPLATE {request.getfixturevalue('migrated_database')}" if "store" in request.fixturenames else ""
    return _made(postgres, f"test_{next(_names)}", how)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as opened:
        opened.set_page_load_timeout(40)  # a view that finds no free connection waits for a minute
        yield opened
