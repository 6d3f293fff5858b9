"""The visible list of steps: what each reads and writes of the run, and which folders of the engine know each other."""

import ast

from run_fields import table

from bmsrescue.agent.files import device_dir

ENGINE = device_dir() / "rescue" / "engine"
SHARED = {"common", "unit", "modules", "own_faults"}
# Where a step goes on with another's work, and why.
ALLOWED = {
    "proof": {"act", "plan"},  # putting back is a cure of its own
    "record": {"diagnosis", "steps"},  # the cause is looked for again, with what the cure has shown
}


def test_the_list_says_what_each_step_reads_and_writes_of_the_run() -> None:
    text = (ENGINE / "steps.py").read_text(encoding="utf-8")
    wanted = "\n".join(f"# {row}" for row in table())
    assert wanted in text, f"write into {ENGINE.name}/steps.py:\n{wanted}"


def test_a_steps_folder_knows_no_other_steps() -> None:
    offenders = []
    for path in sorted(ENGINE.rglob("*.py")):
        folder = path.parent.name
        if path.parent == ENGINE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("rescue.engine"):
                continue
            parts = f"{node.module}.{node.names[0].name}".split(".")
            if parts[2] not in SHARED | {folder} | ALLOWED.get(folder, set()):
                offenders.append(f"{folder}/{path.name}: {ast.unparse(node)}")
    assert offenders == []


def test_every_step_has_a_folder_that_goes_at_its_end() -> None:
    text = (ENGINE / "run.py").read_text(encoding="utf-8")
    dropped = text.partition("_DROPPED = (")[2].partition("common.")[0].split()
    folders = {path.parent.name for path in ENGINE.glob("*/__init__.py")} - {"common"}
    assert [name for name in sorted(folders) if name not in dropped] == []
