"""A host with an emulated Pico on its USB port: the commands, a whole recovery, a deployment. Minutes each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_unit import small_card, small_image, small_unit

from bmsrescue.agent import frozen
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.serial_port import TcpPort
from bmsrescue.twin.rp2040.rig import PicoRig

pytestmark = pytest.mark.timeout(7200)

PATIENCE = "200"
HEAP_FREE_BYTES = 96 * 1024

Command = Callable[..., Any]


@pytest.fixture
def bmsrescue(tmp_path: Path) -> Command:
    """The command, in a process of its own: what it says as JSON, an error as well."""
    config = tmp_path / "config.toml"
    environment = {
        **os.environ,
        "BMSRESCUE_DATA": str(tmp_path / "data"),
        "BMSRESCUE_CONFIG": str(config),
    }

    def run(*words: object, helper: str = "socket://127.0.0.1:9", patience: str = PATIENCE) -> Any:
        config.write_text(f'helper = "pico"\n[helpers.pico]\nurl = "{helper}"\n')
        command = [sys.executable, "-c", "from bmsrescue.cli import main; main()", *map(str, words), "--json"]
        done = subprocess.run(
            command,
            env=environment | {"BMSRESCUE_PATIENCE": patience},
            capture_output=True,
            text=True,
            timeout=7000,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return run


@contextmanager
def on_usb(
    uf2: Path, unit: Unit, card: bytearray | None, files: Mapping[str, bytes] | None = None
) -> Iterator[tuple[PicoRig, str]]:
    """A Pico that runs, and the URL of its serial port."""
    bench = PicoRig(uf2, unit, card, presses=(), settings={"once": False}, files=files)
    with TcpPort() as port:
        thread = threading.Thread(target=bench.serve, args=(port,), name="pico")
        thread.start()
        try:
            yield bench, port.url
        finally:
            bench.stop()
            thread.join()


def test_the_command_runs_a_pico(uf2: Path, bmsrescue: Command) -> None:
    record = bmsrescue("twin", "run", "--board", "rp2040", "--uf2", uf2, "--scenario", "no-supply")
    assert record["diagnosis"]["cause"] == "no-supply"
    assert record["outcome"] == "NOT_FIRMWARE"


def test_the_command_serves_a_pico_that_scan_finds(uf2: Path, bmsrescue: Command) -> None:
    words = ["twin", "serve", "--board", "rp2040", "--uf2", str(uf2), "--tcp", "0", "--json"]
    command = [sys.executable, "-c", "from bmsrescue.cli import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            url = json.loads(serving.stdout.readline())["tcp"]
            facts = bmsrescue("info", helper=url)
            assert "RP2040" in facts["board"]
            found = bmsrescue("scan", helper=url)
            assert [(helper["name"], helper["state"]) for helper in found] == [("pico", "ready")]
            rails = bmsrescue("rails", helper=url)["rails"]
            assert max(rails.values()) < 300
        finally:
            serving.terminate()
    assert serving.returncode == 0


def test_the_whole_agent_is_deployed_over_usb(uf2: Path, bmsrescue: Command) -> None:
    with on_usb(uf2, small_unit("blank"), small_card(), files={}) as (_bench, url):
        said = bmsrescue("deploy", "--port", url, "--patience", 40, helper=url, patience="1")
        assert {change for _path, change, _size in said["changes"]} == {"add"}
        if frozen.is_in(uf2):
            assert said["frozen"]["serves"]
            assert [path for path, _change, _size in said["changes"]] == ["board.json", "main.py"]
        print(json.dumps(said["agent"]))
        assert said["agent"]["heap_free"] >= HEAP_FREE_BYTES
        found = bmsrescue("scan", helper=url)
        assert [helper["state"] for helper in found] == ["ready"]


def test_a_host_recovers_a_unit_over_usb(uf2: Path, bmsrescue: Command) -> None:
    unit = small_unit("blank")
    with on_usb(uf2, unit, small_card()) as (bench, url):
        record = bmsrescue("recover", "--yes", "write sectors 0,1", helper=url)
        print(json.dumps({key: record[key] for key in ("outcome", "heap_free_min", "steps")}))
    image = small_image("1.2.0")
    assert record["outcome"] == "RECOVERED"
    assert unit.chip.flash.snapshot()[: len(image)] == image
    assert bench.pico.wiring.violations == []
    assert not unit.supply_on
    assert record["heap_free_min"] >= HEAP_FREE_BYTES
