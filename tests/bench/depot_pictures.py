"""Pictures of the page for docs/depot.md: `make depot-pictures` starts virtual stations and takes them in Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from selenium import webdriver

STATIONS, FINISHED, PATIENCE_S = 4, 6, 900.0
_DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def main() -> None:
    """Writes docs/pictures/*.png."""
    _DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bmsrescue-pictures-") as folder:
        environment = {**os.environ, "BMSRESCUE_DATA": folder, "BMSRESCUE_CONFIG": f"{folder}/none.toml"}
        command = [sys.executable, "-c", "from bmsrescue.cli import main; main()"]
        arguments = ["serve", "--port", "0", "--twin", str(STATIONS)]
        with subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("listening: ").strip()
            try:
                take_pictures(url)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def take_pictures(url: str) -> None:
    """When some units are through, and one station is at work while another shows a result."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,800"):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        browser.get(url)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            stations = httpx.get(f"{url}/api/fleet/stations", timeout=30).json()
            states = {station["state"] for station in stations}
            if sum(sum(one["counts"].values()) for one in stations) >= FINISHED and states & {"PASS", "FAIL"}:
                break
            time.sleep(0.2)
        browser.save_screenshot(str(_DOCS / "wall.png"))
        lines = httpx.get(f"{url}/api/fleet/export.jsonl", timeout=30).text.splitlines()
        recovered = next((line for line in lines if '"RECOVERED"' in line), lines[-1])
        attempt = httpx.Response(200, text=recovered).json()
        busy = next((one["station"] for one in stations if one["state"] == "working"), stations[0]["station"])
        views = {
            "station": f"/stations/{busy}",
            "report": f"/attempts/{attempt['helper']}/{attempt['sequence']}",
            "figures": "/figures",
        }
        for name, path in views.items():
            browser.get(url + path)
            time.sleep(3.0)  # for what is loaded after the page
            browser.save_screenshot(str(_DOCS / f"{name}.png"))


if __name__ == "__main__":
    main()
