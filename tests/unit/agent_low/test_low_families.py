"""A family of chips is a folder behind one interface, found before anything of a chip's own is touched."""

import ast
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir

CHIPS = device_dir() / "rescue" / "chips"
FAMILIES = sorted(path.name for path in CHIPS.iterdir() if path.is_dir() and path.name != "__pycache__")


def functions(path: Path) -> dict[str, list[str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_the_interface_names(family: str) -> None:
    for file in ("__init__.py", "family.py"):
        assert (CHIPS / family / file).is_file(), f"write chips/{family}/{file}: interface.py says what it has"
    given = functions(CHIPS / family / "family.py")
    asked = functions(CHIPS / "interface.py")
    missing = [f"{name}({', '.join(asked[name])})" for name in asked if given.get(name) != asked[name]]
    assert not missing, f"chips/{family}/family.py lacks, with these parameters: {missing}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_can_be_found(family: str) -> None:
    chosen = (CHIPS / "families.py").read_text(encoding="utf-8")
    assert f"from rescue.chips.{family} import family" in chosen, (
        f"let prepare() in chips/families.py choose {family}, too, by `from rescue.chips.{family} import family`"
    )


def test_engine_and_link_know_no_family_by_its_name() -> None:
    offenders = []
    for layer in ("engine", "link", "front", "debug"):
        for path in sorted((CHIPS.parent / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
                if module.startswith("rescue.chips") and module != "rescue.chips.families":
                    offenders.append(f"{layer}/{path.name}: {ast.unparse(node)}")
    assert offenders == []
