"""Private names of the agent made short, so that a helper's small heap need not hold a long one for each.

MicroPython keeps every name of a loaded module for good: some 25 bytes each, also after the module was dropped. What a
module calls `_backup_path` is nobody else's business, so that two modules can share one short name for two things.
Public names stay what they are, and every line stays where it is: a traceback's module and line lead to the source.
"""

import ast
import io
import string
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import count, product

Renames = Mapping[str, str]


def short_names(sources: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """For each module of `sources` (full name: text), what its private names become.

    Modules whose classes inherit from each other share their names. A name stays as it is everywhere if any module
    uses it though neither it nor its relatives give it a meaning, imports it, or holds it as text.
    """
    trees = {module: ast.parse(text) for module, text in sources.items()}
    families = [(family, set().union(*(_bound(trees[module]) for module in family))) for family in _families(trees)]
    kept = {name for family, bound in families for module in family for name in _not_ours(trees[module], bound)}
    renames: dict[str, dict[str, str]] = {}
    for family, bound in families:
        free = (name for name in _letters() if name not in kept)
        table = dict(zip(sorted(bound - kept), free, strict=False))
        renames |= dict.fromkeys(family, table)
    return renames


def rename(source: str, renames: Renames) -> str:
    """`source` with each name that is a key of `renames` replaced; as many lines as before."""
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type == tokenize.NAME and token.string in renames:
            row, start = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:start] + renames[token.string] + line[token.end[1] :]
    return "".join(lines)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and len(name) > 1


def _bound(tree: ast.Module) -> set[str]:
    """Private names that a module gives a meaning: by a definition, an assignment or a parameter."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return {name for name in names if _is_private(name)}


def _not_ours(tree: ast.Module, bound: set[str]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    names -= bound
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {name for alias in node.names for name in (alias.name, alias.asname) if name}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.JoinedStr):  # the tokenizer does not look into it before Python 3.12
            names |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            names |= {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
    return {name for name in names if _is_private(name)}


def _families(trees: Mapping[str, ast.Module]) -> Iterable[set[str]]:
    """Modules grouped by inheritance between their classes."""
    family = {module: {module} for module in trees}
    for module, tree in trees.items():
        origins = _origins(tree)
        for node in ast.walk(tree):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                root = base
                while isinstance(root, ast.Attribute):
                    root = root.value
                for other in origins[root.id] if isinstance(root, ast.Name) else ():
                    if other in family:
                        joined = family[module] | family[other]
                        family |= dict.fromkeys(joined, joined)
    return {id(members): members for members in family.values()}.values()


def _origins(tree: ast.Module) -> Mapping[str, list[str]]:
    """Where each imported name may come from: a module, or something in one."""
    origins: defaultdict[str, list[str]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                origins[alias.asname or alias.name] += [node.module, f"{node.module}.{alias.name}"]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                origins[alias.asname or alias.name.partition(".")[0]].append(alias.name)
    return origins


def _letters() -> Iterable[str]:
    for length in count(1):
        for letters in product(string.ascii_letters, repeat=length):
            yield "_" + "".join(letters)
