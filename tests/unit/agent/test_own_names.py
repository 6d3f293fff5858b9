"""The agent's own names, as the build lists them for a helper's start, are those an interpreter is seen to keep."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from bmsrescue.agent.build import build, format_of
from bmsrescue.agent.files import agent_files
from bmsrescue.agent.own_names import has_place, most_used, with_names
from bmsrescue.twin.helper.process import find_interpreter

MODULE = """
def measured_rail(first_rail, *others):
    return {"lowest_mv": first_rail, "%d mV": others, "a text with blanks": "long enough to be no name"}


class Divider:
    def ratio_of(self):
        return self.upper_ohm
"""
OTHER = "from unit.rails import Divider\n\n\ndef found():\n    return Divider().upper_ohm\n"


def built(folder: Path) -> Path:
    source = folder / "source" / "unit"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("# No more than a comment.\n")
    (source / "rails.py").write_text(MODULE)
    (source / "other.py").write_text(OTHER)
    build((folder / "source",), folder / "made", format_of(find_interpreter()))
    return folder / "made"


def kept_by_interpreter(folder: Path) -> set[str]:
    code = "import micropython, unit.rails, unit.other; micropython.qstr_info(1)"
    command = [find_interpreter(), "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return set(re.findall(r"^Q\((.*)\)$", done.stdout, re.MULTILINE))


def test_the_names_in_compiled_files_are_those_an_interpreter_keeps(tmp_path: Path) -> None:
    made = built(tmp_path)
    listed = set(most_used(path.read_bytes() for path in made.rglob("*.mpy")).split(" ")) - {""}
    kept = {name for name in kept_by_interpreter(made) if " " not in name and "/" not in name}
    # The command's own, and the name by which a package has a module.
    assert kept - listed <= {"-c", "rails", "other", "unit"}
    assert {"measured_rail", "lowest_mv", "Divider", "upper_ohm", "unit.rails"} <= listed


def test_what_most_files_use_comes_first(tmp_path: Path) -> None:
    made = built(tmp_path)
    compiled = [path.read_bytes() for path in made.rglob("*.mpy")]
    assert most_used(compiled, most=2).split() == ["Divider", "unit.rails"]


def test_a_package_with_nothing_in_it_has_no_file(tmp_path: Path) -> None:
    made = built(tmp_path)
    assert sorted(path.name for path in made.rglob("*.mpy")) == ["other.mpy", "rails.mpy"]


def test_one_module_of_the_agent_has_a_place_for_the_names() -> None:
    texts = {place: path.read_text(encoding="utf-8") for place, path in agent_files().items()}
    assert [place for place, text in texts.items() if has_place(text)] == [Path("rescue/names.py")]
    scope: dict[str, object] = {}
    exec(with_names(texts[Path("rescue/names.py")], "rail '% "), scope)
    assert scope["OWN"] == b"rail '% "
