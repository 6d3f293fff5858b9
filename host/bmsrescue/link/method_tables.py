"""The tables of docs/protocol.md, made from the agent's own code: `python -m bmsrescue.link.method_tables FILE`.

A method "rails.read" is the entry "read" of CALLS in device/rescue/link/methods/rails.py; its parameters are those of
the function, its description is the docstring. The kinds of errors are those that the code raises. The sources are
read, not imported: they are MicroPython.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError, UsageError
from rescuelink import errors, rpc

_COMMAND = "made by `python -m bmsrescue.link.method_tables docs/protocol.md`"
METHODS = (f"<!-- methods: {_COMMAND} -->", "<!-- end of the methods -->")
KINDS = (f"<!-- kinds: {_COMMAND} -->", "<!-- end of the kinds -->")
NUMBERS = (f"<!-- numbers: {_COMMAND} -->", "<!-- end of the numbers -->")

_NUMBERS = (
    ("PROTOCOL_VERSION", rpc.PROTOCOL_VERSION, "said in `hello`"),
    ("MAX_BODY_BYTES", rpc.MAX_BODY_BYTES, "of one frame"),
    ("JOB_BODY_BYTES", rpc.JOB_BODY_BYTES, "of a frame to the agent while a job is under way"),
    ("WINDOW_BYTES", rpc.WINDOW_BYTES, "of large data in one message"),
    ("HEARTBEAT_MS", rpc.HEARTBEAT_MS, "between two signs of life of the host"),
    ("HOST_LOST_MS", rpc.HOST_LOST_MS, "of silence before the agent asks"),
    ("LAST_LOOK_MS", rpc.LAST_LOOK_MS, "more before it gives the host up"),
    ("REMEMBERED", rpc.REMEMBERED, "request ids that the agent knows again"),
)

_ERRORS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.RescueError)
}
_TYPES = {"i": "integer", "s": "text", "b": "boolean", "B": "binary", "a": "array", "m": "map"}


@dataclass(frozen=True)
class Method:
    """name: with its group. parameters: (name, type, default as text or None). about: the docstring as one line."""

    name: str
    parameters: tuple[tuple[str, str, str | None], ...]
    about: str


@dataclass(frozen=True)
class Group:
    """The methods of one module, and what its head says of them."""

    name: str
    about: str
    methods: tuple[Method, ...]


def groups(folder: Path | None = None) -> list[Group]:
    """Every group of methods, by name.

    Raises:
        HostError: a module is not as the agent's server expects it.
    """
    folder = folder or device_dir() / "rescue" / "link" / "methods"
    return [_group(path) for path in sorted(folder.glob("[!_]*.py"))]


def render(found: list[Group]) -> str:
    """The part of the document between the markers."""
    parts = []
    for group in found:
        parts += [f"### {group.name}", "", group.about, "", "| method | parameters | |", "|---|---|---|"]
        for method in group.methods:
            parameters = ", ".join(_parameter(*parameter) for parameter in method.parameters)
            parts.append(f"| `{method.name}` | {parameters or 'none'} | {_cell(method.about)} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def error_kinds() -> dict[str, list[str]]:
    """The kinds of each class of error that the agent and what it shares with the host raise."""
    found: dict[str, set[str]] = {}
    for path in (*(device_dir() / "rescue").rglob("*.py"), *(shared_dir() / "rescuelink").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path.name)):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(kind)), *_]) if (
                    name in _ERRORS or name == "Stopped"
                ):
                    # A Stopped reaches the host as a LinkError of the same kind.
                    found.setdefault("LinkError" if name == "Stopped" else name, set()).add(kind)
    return {name: sorted(found[name]) for name in sorted(found)}


def with_tables(document: str) -> str:
    """`document` with its tables made anew.

    Raises:
        UsageError: it has no place for them.
    """
    kinds = ["| class | kinds |", "|---|---|"]
    kinds += [f"| {name} | {', '.join(f'`{kind}`' for kind in found)} |" for name, found in error_kinds().items()]
    numbers = ["| name | value | |", "|---|---:|---|"]
    numbers += [f"| {name} | {value} | {about} |" for name, value, about in _NUMBERS]
    for markers, text in ((METHODS, render(groups())), (KINDS, "\n".join(kinds)), (NUMBERS, "\n".join(numbers))):
        document = _between(document, markers, text)
    return document


def _between(document: str, markers: tuple[str, str], text: str) -> str:
    before, begin, rest = document.partition(markers[0])
    _old, end, after = rest.partition(markers[1])
    if not begin or not end:
        raise UsageError(
            "the document has no markers for the tables", f"Put {markers[0]} and {markers[1]} where they belong."
        )
    return f"{before}{begin}\n{text}\n{end}{after}"


def _group(path: Path) -> Group:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, path.name)
    name = path.stem
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _assigns(node, "CALLS"):
            calls = zip(node.value.keys, node.value.values, strict=True)
            methods = tuple(_method(name, path, key, value, functions) for key, value in calls)
            return Group(name, _head(text).removeprefix(f"{name}.*: "), methods)
    raise HostError(f"{path} has no CALLS")


def _method(
    group: str, path: Path, key: ast.expr | None, value: ast.expr, functions: dict[str, ast.FunctionDef]
) -> Method:
    match key, value:
        case ast.Constant(value=str(name)), ast.Tuple(elts=[ast.Name(id=function), ast.Constant(value=str(types))]):
            node = functions[function]
        case _:
            raise HostError(f"{path} has an entry in CALLS that is not of the form name: (function, types)")
    needed, _, optional = types.partition("?")
    names = [argument.arg for argument in node.args.args][1:]
    defaults: list[str | None] = [None] * (len(names) - len(node.args.defaults))
    defaults += [_default(default) for default in node.args.defaults]
    if len(names) != len(needed + optional) or sum(default is not None for default in defaults) != len(optional):
        raise HostError(f"{path}: the types of {name} do not fit the parameters of {function}")
    parameters = tuple(zip(names, (_TYPES[letter] for letter in needed + optional), defaults, strict=True))
    return Method(f"{group}.{name}", parameters, " ".join((ast.get_docstring(node) or "").split()))


def _default(node: ast.expr) -> str:
    value = ast.literal_eval(node)
    if value is None:
        return "nil"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def _parameter(name: str, kind: str, default: str | None) -> str:
    return f"`{name}` {kind}" if default is None else f"`{name}` {kind} = {default}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _head(text: str) -> str:
    """The comment that a module begins with, as one paragraph."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def main(path: Path) -> None:
    """Make the tables in `path` anew."""
    write_atomically(path, with_tables(path.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
