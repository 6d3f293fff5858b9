"""What each step of a job reads and writes of the run, found in the agent's source: the step's function and every
function of the engine that it refers to, however deep.

A field is written where it is assigned, and where something in it is: `run.evidence["chip"] = ...`, or
`rails["on"] = ...` after `rails = run.evidence["rails"]`. What a run tells those who watch is no field of it
(`_TELLING`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from bmsrescue.agent.files import device_dir

_RUN: Final = "rescue.engine.run"
_STEPS: Final = "rescue.engine.steps"
_TELLING: Final = {"say", "progress_in", "progress_in_bytes", "note_heap", "skip_to"}
_SERVICES: Final = {"ports", "helper", "observer", "screen"}
_CHANGING: Final = {"append", "insert", "pop", "remove", "setdefault", "update"}


@dataclass
class Module:
    """functions: by name, a class's methods as "Class.method". imported: local name -> full name."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)


@dataclass
class Touched:
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)


def steps() -> dict[str, Touched]:
    """By step, in the order of the job."""
    return {step: _touched(*_resolve(function)) for step, function in _functions().items()}


@cache
def _modules() -> dict[str, Module]:
    found = {}
    for path in sorted((device_dir() / "rescue" / "engine").rglob("*.py")):
        name = ".".join(path.relative_to(device_dir()).with_suffix("").parts)
        found[name] = _module(path)
    return found


def _module(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = Module()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    module.functions[f"{node.name}.{inner.name}"] = inner
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return module


def _functions() -> dict[str, str]:
    """Step -> the full name of its function, from the list and the imports of steps.py."""
    tree = ast.parse((device_dir() / "rescue" / "engine" / "steps.py").read_text(encoding="utf-8"))
    names: list[str] = []
    functions: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            names = [str(element.value) for element in node.value.elts if isinstance(element, ast.Constant)]
        elif isinstance(node, ast.ImportFrom):
            functions += [f"{node.module}.{alias.name}" for alias in node.names]
    return dict(zip(names, functions, strict=True))


def _resolve(full: str) -> tuple[str, str]:
    module, _, name = full.rpartition(".")
    return module, name


def _touched(module: str, function: str) -> Touched:
    found = Touched()
    seen: set[tuple[str, str]] = set()
    waiting = [(module, function)]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += _look(*at, found)
    return found


def _look(module: str, function: str, found: Touched) -> list[tuple[str, str]]:
    """Notes the fields that one function touches; returns the functions that it refers to."""
    here = _modules()[module]
    node = here.functions[function]
    owner = function.rpartition(".")[0]
    aliases = _aliases(node, module, owner)
    further = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute):
            name = _field(inner, module, owner)
            if name is None:
                further += _named(here, module, owner, inner)
            elif f"Run.{name}" in _modules()[_RUN].functions:
                further += [(_RUN, f"Run.{name}")] if name not in _TELLING else []
            elif name not in _SERVICES and not name.startswith("_"):
                (found.writes if isinstance(inner.ctx, ast.Store) else found.reads).add(name)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            further += _of(here, module, inner.id)
        if isinstance(inner, ast.AugAssign):
            found.reads |= _roots(inner.target, aliases, module, owner)
        if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store | ast.Del):
            found.writes |= _roots(inner.value, aliases, module, owner)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _CHANGING:
            found.writes |= _roots(inner.func.value, aliases, module, owner)
    return further


def _field(node: ast.Attribute, module: str, owner: str) -> str | None:
    """The name after `run.`, `self._run.`, or in the run itself `self.`."""
    base = node.value
    if isinstance(base, ast.Name) and (base.id == "run" or (base.id == "self" and (module, owner) == (_RUN, "Run"))):
        return node.attr
    if isinstance(base, ast.Attribute) and base.attr == "_run":
        return node.attr
    return None


def _roots(node: ast.expr, aliases: dict[str, set[str]], module: str, owner: str) -> set[str]:
    """The fields in which `node` lies, if any."""
    while True:
        if isinstance(node, ast.Attribute):
            name = _field(node, module, owner)
            if name is not None:
                return set() if name in _SERVICES or name.startswith("_") else {name}
            node = node.value
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return aliases.get(node.id, set()) if isinstance(node, ast.Name) else set()


def _aliases(function: ast.FunctionDef, module: str, owner: str) -> dict[str, set[str]]:
    """Local names of fields and of what lies in them."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute | ast.Subscript):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, set()).update(_roots(node.value, {}, module, owner))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=False):
                        if isinstance(one, ast.Name):
                            found.setdefault(one.id, set()).update(_roots(value, {}, module, owner))
    return found


def _named(here: Module, module: str, owner: str, node: ast.Attribute) -> list[tuple[str, str]]:
    """`module.function`, or `self.method`."""
    if not isinstance(node.value, ast.Name):
        return []
    if node.value.id == "self":
        method = f"{owner}.{node.attr}"
        return [(module, method)] if method in here.functions else []
    full = here.imported.get(node.value.id, "")
    return _of(_modules()[full], full, node.attr) if full in _modules() else []


def _of(here: Module, module: str, name: str) -> list[tuple[str, str]]:
    """What a name stands for: a function, or all methods of a class."""
    if name in here.functions:
        return [(module, name)]
    methods = [(module, function) for function in here.functions if function.startswith(f"{name}.")]
    if methods or name not in here.imported:
        return methods
    origin, leaf = _resolve(here.imported[name])
    return _of(_modules()[origin], origin, leaf) if origin in _modules() else []


def table() -> list[str]:
    """The rows of the comment in steps.py."""
    rows = []
    for step, touched in steps().items():
        rows.append(f"{step:9} reads {' '.join(sorted(touched.reads - touched.writes)) or '-'}")
        rows.append(f"{'':9} writes {' '.join(sorted(touched.writes)) or '-'}")
    return rows
