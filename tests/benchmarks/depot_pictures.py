"""Pictures of the page for docs/depot.md: `make depot-pictures` starts virtual stations and takes them in Chromium.

With the given seed the first unit of one station is read-protected, which is what the picture of a consent needs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.twin.rig import default_card_files

STATIONS, SEED, FINISHED, PATIENCE_S = 4, 22, 6, 900.0
JOB = "bms-1.2.0"
SETTINGS = f"""
[[stations.rules]]
label = "BR16S-.*"
job = "{JOB}"
"""
_DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures"

_OTHERS = _DOCS.parents[1] / "build" / "pictures"


def main() -> None:
    """Writes docs/pictures/*.png, and the same views dark, on a telephone, printed and in other languages to
    build/pictures/.
    """
    _DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bmsrescue-pictures-") as folder:
        settings = Path(folder) / "settings.toml"
        settings.write_text(SETTINGS)
        environment = {**os.environ, "BMSRESCUE_DATA": folder, "BMSRESCUE_CONFIG": str(settings)}
        command = [sys.executable, "-c", "from bmsrescue.cli import main; main()"]
        arguments = ["serve", "--port", "0", "--twin", str(STATIONS), "--seed", str(SEED)]
        with subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("listening: ").strip()
            try:
                release(url, "first lot", 500)
                release(url, "3.3 V within 2 %", None)
                take_pictures(url)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def release(url: str, note: str, allowance: int | None) -> None:
    """The twin's job, which leaves it to people whether read protection is removed."""
    files = default_card_files()
    document = json.loads(files["job.json"])
    document["policy"]["ask"] = ["rdp-regression", "option-bytes"]
    files["job.json"] = json.dumps(document).encode()
    fields = {"note": note} | ({} if allowance is None else {"allowance": str(allowance)})
    uploads = [("files", (name, data)) for name, data in files.items()]
    httpx.post(f"{url}/api/fleet/releases", files=uploads, data=fields, timeout=30).raise_for_status()


def take_pictures(url: str) -> None:
    """When some units are through, and one station is at work while another shows a result."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(url)
        stations = _when_it_is_worth_it(url)
        _save(browser, "wall")
        busy = next((one["station"] for one in stations if one["state"] == "working"), stations[0]["station"])
        browser.get(f"{url}/stations/{busy}")
        time.sleep(8.0)  # of the rails' plot
        _save(browser, "station")
        lines = httpx.get(f"{url}/api/fleet/export.jsonl", timeout=30).text.splitlines()
        attempts: list[dict[str, Any]] = [json.loads(line) for line in lines]
        recovered = next((one for one in attempts if one["outcome"] == "RECOVERED"), attempts[-1])
        locked = next((one for one in attempts if one["cause"] == "rdp1"), attempts[-1])
        views = {
            "report": f"/attempts/{recovered['helper']}/{recovered['sequence']}",
            "figures": "/figures",
            "line": "/line?by=cause",
            "release": f"/releases/{JOB}/2",
            "unit": f"/units?q={locked['uid'] or locked['label']}",
        }
        for name, path in views.items():
            browser.get(url + path)
            time.sleep(3.0)  # for what is loaded after the page
            _save(browser, name)
        # To be looked at, and not kept: each view whole, in the dark, on a telephone, as it is printed, in other words.
        views |= {"wall": "/", "station": f"/stations/{busy}"}
        views |= {name: f"/{name}" for name in ("attempts", "units", "releases", "backups", "health", "quarantine")}
        views |= {name: f"/{name}" for name in ("accounts", "audit")}
        hows = ("dark", "phone", "print", "de", "zh")
        places = [(f"{name}-{how}", path, how) for how in hows for name, path in views.items()]
        tall = size | {"height": 2200}
        _OTHERS.mkdir(parents=True, exist_ok=True)
        for name, path, how in places:
            wide = {"phone": 390, "print": 794}.get(how, 1280)
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", tall | {"width": wide, "mobile": wide < 700})
            scheme = {"name": "prefers-color-scheme", "value": "dark" if how == "dark" else "light"}
            media = {"media": "print" if how == "print" else "", "features": [scheme]}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            language = how if how in ("de", "zh") else "en"
            browser.add_cookie({"name": "bmsrescue_language", "value": language})
            browser.get(url + path)
            time.sleep(2.0)
            browser.save_screenshot(str(_OTHERS / f"{name}.png"))


def _when_it_is_worth_it(url: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        stations: list[dict[str, Any]] = httpx.get(f"{url}/api/fleet/stations", timeout=30).json()
        states = {station["state"] for station in stations}
        finished = sum(sum(one["counts"].values()) for one in stations)
        if (finished >= FINISHED and states & {"PASS", "FAIL"} and "working" in states) or time.monotonic() > deadline:
            return stations
        time.sleep(0.2)


def _save(browser: WebDriver, name: str) -> None:
    browser.save_screenshot(str(_DOCS / f"{name}.png"))


if __name__ == "__main__":
    main()
