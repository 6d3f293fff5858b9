"""What the agent's files may import, and what they weigh on a real MicroPython."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir, shared_dir

HEAP = "288K"
HARDWARE = {"machine", "rp2"}


def agent_files() -> list[Path]:
    return sorted(
        [
            device_dir() / "main.py",
            *(device_dir() / "rescue").rglob("*.py"),
            *(shared_dir() / "rescuelink").rglob("*.py"),
        ]
    )


def imported_names(path: Path) -> set[str]:
    """Top-level names of all imports in a file, wherever they stand, `__import__("name")` included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            names |= {str(arg.value).split(".")[0] for arg in node.args if isinstance(arg, ast.Constant)}
    return names


def in_hal(path: Path) -> bool:
    return path.is_relative_to(device_dir() / "rescue" / "hal")


def test_nothing_outside_hal_imports_the_hardware() -> None:
    offenders = [str(path) for path in agent_files() if not in_hal(path) and imported_names(path) & HARDWARE]
    assert offenders == []


def test_the_rule_would_notice_an_offender(tmp_path: Path) -> None:
    for text in ("import machine", "from machine import Pin", "def f():\n    import rp2", "__import__('machine')"):
        offender = tmp_path / "offender.py"
        offender.write_text(text)
        assert imported_names(offender) & HARDWARE


@pytest.mark.parametrize(
    ("layer", "above"),
    [
        ("hal", {"debug", "chips", "engine", "front", "link"}),
        ("debug", {"chips", "engine", "front", "link"}),
        ("chips", {"engine", "front", "link"}),
        ("engine", {"front", "link"}),
    ],
)
def test_imports_only_point_down(layer: str, above: set[str]) -> None:
    offenders = []
    for path in sorted((device_dir() / "rescue" / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rescue."):
                named = {(node.module or "").split(".")[1]}
            elif isinstance(node, ast.ImportFrom) and node.module == "rescue":
                named = {alias.name for alias in node.names}
            else:
                continue
            if named & above:
                offenders.append(f"{path.name}: {ast.unparse(node)}")
    assert offenders == []


def module_names() -> list[str]:
    """Every agent module that does not need the hardware, as it is imported on the helper."""
    names = []
    for path in agent_files():
        root = device_dir() if path.is_relative_to(device_dir()) else shared_dir()
        parts = path.relative_to(root).with_suffix("").parts
        if path.name == "__init__.py" or parts == ("main",) or imported_names(path) & HARDWARE:
            continue
        names.append(".".join(parts))
    return names


SCRIPT = """
import gc, sys
sys.path[:0] = {folders!r}
gc.collect()
before = gc.mem_free()
for name in {names!r}:
    __import__(name)
gc.collect()
print(before, gc.mem_free())
"""


def run_micropython(script: str, *arguments: str) -> str:
    program = Path(sys.executable).with_name("micropython")
    result = subprocess.run(
        [str(program), *arguments, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def weigh(names: list[str]) -> tuple[int, int]:
    """Free heap before and after importing `names` into a fresh interpreter with the helper's heap."""
    script = SCRIPT.format(folders=[str(device_dir()), str(shared_dir())], names=names)
    before, after = map(int, run_micropython(script, "-X", f"heapsize={HEAP}").split())
    return before, after


@pytest.mark.parametrize("name", module_names())
def test_each_module_can_be_imported_by_itself_in_the_helpers_heap(name: str) -> None:
    before, after = weigh([name])
    print(f"{name} and what it needs take {before - after} bytes; {after} of {before} stay free")
    assert after > 160 * 1024


def test_the_drivers_leave_the_heap_to_the_engine() -> None:
    names = ["rescue.hal.ports", "rescue.debug.target", "rescue.chips.stm32h7.chip"]
    before, after = weigh(names)
    print(f"{names} and what they need take {before - after} bytes; {after} of {before} stay free")
    # From source, on the 64-bit unix port, where a word is twice a board's; name pools grow in steps of several KiB.
    assert after > 140 * 1024


def test_every_hal_module_compiles_on_micropython() -> None:
    """Those that need the hardware cannot be imported here, but the compiler must take them, viper included."""
    for path in sorted((device_dir() / "rescue" / "hal").glob("*.py")):
        run_micropython(f"compile(open({str(path)!r}).read(), {path.name!r}, 'exec')")
