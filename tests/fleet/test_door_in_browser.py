"""A browser that a foreign page has led to the bench: names that are made to lead there, TLS, what a page may load."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.config import Config
from bmsrescue.door.local_ca import issue, new_ca
from bmsrescue.fleet.fleet import Fleet
from daemon_process import started

PASSWORD = "correct horse battery"
FOREIGN, OWN = "evil.example", "bench2.example"
_TRY = """
const done = arguments[arguments.length - 1];
const tried = [];
const call = fetch(arguments[0] + "/api/helpers/any/call", {method: "POST", mode: arguments[1],
  headers: {"Content-Type": "application/json"}, body: JSON.stringify({method: "power.on"})})
  .then(answer => tried.push(answer.status), () => tried.push("refused"));
const events = new Promise(over => {
  const socket = new WebSocket(arguments[0].replace("http", "ws") + "/api/events");
  socket.onopen = () => { tried.push("open"); over(); };
  socket.onerror = () => { tried.push("shut"); over(); };
});
Promise.all([call, events]).then(() => done(tried.map(String).sort()));
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a bench that listens everywhere, before anybody has an account."""
    folder = tmp_path_factory.mktemp("bench")
    config = folder / "config.toml"
    config.write_text(f'[daemon]\nhost = "0.0.0.0"\nnames = ["{OWN}"]\n')
    with started(folder, "serve", "--port", "0", "--stations", config=config) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rpartition(":")[2]


@pytest.fixture(scope="module")
def misled(browser: WebDriver) -> Iterator[WebDriver]:
    """Chromium whose names all lead to this machine, as an attacker's own would."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    rule = f"MAP {FOREIGN} 127.0.0.1, MAP {OWN} 127.0.0.1"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--host-resolver-rules={rule}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))) as opened:
        opened.set_page_load_timeout(60)
        opened.set_script_timeout(60)
        yield opened


def test_a_page_whose_name_is_made_to_lead_here_reaches_nothing(misled: WebDriver, bench: str) -> None:
    foreign = f"http://{FOREIGN}:{bench}"
    misled.get(foreign + "/")
    assert "a page of another site may not ask" in misled.page_source
    assert misled.execute_async_script(_TRY, foreign, "cors") == ["403", "shut"]


def test_a_page_of_elsewhere_cannot_ask_by_the_benchs_address(misled: WebDriver, bench: str) -> None:
    misled.get(f"http://{FOREIGN}:{bench}/")
    for own in (f"http://127.0.0.1:{bench}", f"http://{OWN}:{bench}"):
        assert misled.execute_async_script(_TRY, own, "cors") == ["refused", "shut"]


def test_by_its_own_name_the_bench_is_there_and_its_page_runs_nothing_foreign(misled: WebDriver, bench: str) -> None:
    misled.get(f"http://{OWN}:{bench}/login")
    assert misled.title.startswith("Log in")
    blocked = misled.execute_async_script(
        "const done = arguments[0];"
        "document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));"
        "const script = document.createElement('script'); script.textContent = 'window.foreign = 1';"
        "document.head.append(script);"
    )
    assert blocked.startswith("script-src")
    assert misled.execute_script("return window.foreign") is None


def test_over_tls_by_a_certificate_of_the_benchs_own(tmp_path: Path) -> None:
    made = new_ca(tmp_path / "tls", [OWN, "127.0.0.1"])
    cert, key = issue(tmp_path / "tls", [OWN, "127.0.0.1"])
    fleet = Fleet(Config(), tmp_path)
    fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    fleet.store.close()
    config = tmp_path / "config.toml"
    config.write_text(f'[daemon]\ncert = "{cert}"\nkey = "{key}"\n')
    with started(tmp_path, "serve", "--port", "0", "--stations", config=config) as process:
        assert process.stdout is not None
        where = process.stdout.readline().removeprefix("listening: ").strip()
        assert where.startswith("https://")
        trusted = ssl.create_default_context(cafile=made)
        with httpx.Client(base_url=where, verify=trusted, trust_env=False, timeout=60) as client:
            answer = client.post("/login", data={"name": "eva", "password": PASSWORD})
            assert answer.status_code == 303
            assert "secure" in answer.headers["set-cookie"].lower()
            assert client.get("/api/fleet/stations").status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(where.replace("https", "http"), trust_env=False, timeout=60)
