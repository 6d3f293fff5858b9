"""Modules import each other in one direction only, late imports and those for types included."""

from __future__ import annotations

import pytest

from modules import beside_each_other, circles, imports, packages

HOST, AGENT, SHARED = "bmsrescue", "rescue", "rescuelink"


@pytest.mark.parametrize(("root", "least"), [(HOST, 300), (AGENT, 100), (SHARED, 20)])
def test_no_module_is_in_a_circle(root: str, least: int) -> None:
    graph = {name: others for name, others in imports().items() if name.split(".")[0] == root}
    assert len(graph) > least
    assert not circles(graph), "these import each other: move what both need into a module below them"


@pytest.mark.parametrize("package", [package for root in (HOST, AGENT, SHARED) for package in packages(root)])
def test_no_folder_is_in_a_circle_with_what_lies_beside_it(package: str) -> None:
    assert not circles(beside_each_other(package)), f"in {package}: move what both need into one of them, or below both"


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert circles(graph) == [["a", "b", "c"]]
