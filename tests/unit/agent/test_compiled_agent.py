"""The agent is compiled for a helper: smaller than its sources, the same in what it does, traceable to its lines."""

import subprocess
from pathlib import Path

import pytest

from bmsrescue.agent.build import MpyFormat, build, build_files, format_for, format_of
from bmsrescue.agent.files import agent_files
from bmsrescue.agent.fold_constants import inline, register_map
from bmsrescue.errors import HostError
from bmsrescue.twin.helper.process import find_interpreter

REGISTERS = """
# a data sheet's names
CONTROL = 0x0C
START = 1 << 7
FLAGS = ((1 << 17, "WRPERR"), (1 << 18, "PGSERR"))
"""
DRIVER = """
from micropython import const

from chip import registers as reg

_LIMIT_MS = 50
_SHORT = const(3)


def start(port):
    port.write(reg.CONTROL, reg.START)
    return [name for bit, name in reg.FLAGS if bit], _LIMIT_MS, _SHORT
"""


def maps(name: str) -> dict[str, object] | None:
    return register_map(REGISTERS) if name == "chip.registers" else None


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [find_interpreter(), "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_register_map_is_a_module_of_nothing_but_constants() -> None:
    assert register_map(REGISTERS) == {
        "CONTROL": 12,
        "START": 128,
        "FLAGS": ((131072, "WRPERR"), (262144, "PGSERR")),
    }
    assert register_map(DRIVER) is None
    assert register_map("NAME = 'only words'\n") is None


def test_register_names_and_private_constants_become_their_values() -> None:
    text = inline(DRIVER, maps)
    assert "port.write(12, 128)" in text
    assert "_LIMIT_MS = const(50)" in text
    assert "import" not in text
    assert len(text.splitlines()) == len(DRIVER.splitlines())


@pytest.mark.parametrize(
    "source",
    [
        "from chip import registers as reg\nregisters = [reg]\n",
        "from chip import registers as reg\ndef read(reg):\n    return reg.CONTROL\n",
        "from chip import registers as reg\nx = reg.UNKNOWN\n",
        "_count = 0\ndef more():\n    global _count\n    _count = _count + 1\n",
    ],
)
def test_what_is_not_surely_a_constant_stays(source: str) -> None:
    assert inline(source, maps) == source


def test_every_module_of_the_agent_is_compiled_and_what_a_port_starts_stays_source(tmp_path: Path) -> None:
    made = build_files(agent_files(), tmp_path, format_of(find_interpreter()))
    native = {"rescue/hal/pio_pump.py", "rescue/hal/sd_crc.py", "rescue/hal/sd_dma.py", "rescue/hal/swd_gpio.py"}
    assert {path.as_posix() for path in made if path.suffix == ".py"} == {"boot.py", "main.py", *native}
    assert (tmp_path / "rescue/engine/plan/step.mpy").is_file()
    assert not (tmp_path / "rescue/engine/plan/step.py").exists()


def test_a_board_with_the_architecture_gets_its_native_code(tmp_path: Path) -> None:
    target = format_of(find_interpreter())
    made = build_files(agent_files(), tmp_path, MpyFormat(target.version, target.sub_version, "armv6m"))
    assert Path("rescue/hal/swd_gpio.mpy") in made


def test_a_traceback_names_module_and_line(tmp_path: Path) -> None:
    source = tmp_path / "source" / "unit"
    source.mkdir(parents=True)
    (source / "__init__.py").touch()
    (source / "broken.py").write_text("_LIMIT = 5\n\n\ndef measure():\n    return _LIMIT / 0\n")
    build((tmp_path / "source",), tmp_path / "made", format_of(find_interpreter()))
    done = run(tmp_path / "made", "from unit import broken; broken.measure()")
    assert 'File "unit.broken", line 5, in measure' in done.stdout + done.stderr


def test_on_a_board_a_traceback_names_module_and_function(tmp_path: Path) -> None:
    # Line numbers take 4 KiB of a Pico's heap in a recovery: they are in what the twin runs only.
    source = tmp_path / "broken.py"
    source.write_text("_LIMIT = 5\n\n\ndef measure():\n    return _LIMIT / 0\n")
    build_files({Path("broken.py"): source}, tmp_path / "made", format_for("armv6m"))
    done = run(tmp_path / "made", "import broken; broken.measure()")
    assert 'File "broken", line 1, in measure' in done.stdout + done.stderr


def test_a_helper_that_loads_another_version_is_refused_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="the helper loads 5") as caught:
        build_files(agent_files(), tmp_path, MpyFormat(5, 0))
    assert "Update" in caught.value.next_step
