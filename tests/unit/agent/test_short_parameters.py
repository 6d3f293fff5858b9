"""Parameters made short: the same program, with fewer names for a helper to keep."""

from __future__ import annotations

import ast
from typing import Any

from bmsrescue.agent.files import agent_files
from bmsrescue.agent.shorten_parameters import passed_by_keyword, shorten


def run(source: str, kept: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The names of a module, made short."""
    names: dict[str, Any] = {}
    exec(shorten(source, set(kept)), names)
    return names


def parameters(source: str) -> set[str]:
    return {node.arg for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arg)}


def test_a_function_does_the_same_with_short_parameters() -> None:
    source = "def area(width, height=2, *more):\n    total = width * height\n    return total + sum(more)\n"
    assert parameters(shorten(source, set())) == {"_0", "_1", "_2"}
    area = run(source)["area"]
    assert (area(3), area(3, 4), area(3, 4, 5, 6)) == (6, 12, 23)


def test_what_is_passed_by_keyword_stays() -> None:
    source = "def move(distance, steps):\n    return distance * steps\n\nfound = move(3, steps=4)\n"
    kept = passed_by_keyword([source])
    assert kept == {"steps"}
    assert run(source, frozenset(kept))["found"] == 12


def test_what_is_passed_in_a_map_stays() -> None:
    source = 'def bus(sda, scl):\n    return sda - scl\n\nfound = bus(**{name: len(name) for name in ("sda", "scl")})\n'
    kept = passed_by_keyword([source])
    assert {"sda", "scl"} <= kept
    assert run(source, frozenset(kept))["found"] == 0


def test_a_function_within_a_function_keeps_what_it_means() -> None:
    source = """
def outer(value, other):
    def inner(value):
        return value + other

    return [inner(one) for one in (value, other)] + [(lambda other: other * value)(5)]
"""
    assert run(source)["outer"](1, 2) == [3, 4, 5]


def test_a_name_of_the_module_is_not_hidden_by_a_parameter() -> None:
    source = """
width = 7

def first(height):
    return width * height

def second(width=width, height=width):
    return width + height
"""
    names = run(source)
    assert (names["first"](2), names["second"](), names["second"](1)) == (14, 14, 8)


def test_names_whose_place_is_not_known_stay() -> None:
    source = """
def told(name, error, path, count):
    import os as path
    global count_of
    count_of = count
    try:
        raise ValueError(name)
    except ValueError as error:
        return f"{name} {error} {path.sep}"
"""
    names = run(source.replace("error, path, count", "error, path, count"))
    assert names["told"]("a", None, None, 3) == "a a /"
    assert names["count_of"] == 3


def test_methods_and_letters_beyond_ascii() -> None:
    source = 'class Box:\n    def put(self, thing):\n        self.thing = "ä" + thing; return thing\n'
    box = run(source)["Box"]()
    assert box.put("b") == "b"
    assert box.thing == "äb"


def test_the_agents_own_files_stay_the_same_but_for_parameters() -> None:
    texts = [path.read_text(encoding="utf-8") for path in agent_files().values()]
    kept = passed_by_keyword(texts)
    shortened = 0
    for text in texts:
        made = shorten(text, kept)
        before, after = ast.parse(text), ast.parse(made)
        assert len(text.splitlines()) == len(made.splitlines())
        # The same tree, with names taken for equal where one stands for the other.
        assert [type(node) for node in ast.walk(before)] == [type(node) for node in ast.walk(after)]
        shortened += len(parameters(text) - parameters(made))
    assert shortened > 100
