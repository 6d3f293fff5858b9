"""Private names made short: the same program, and less of a helper's heap."""

from __future__ import annotations

import ast

from bmsrescue.agent.files import agent_files
from bmsrescue.agent.shorten_names import rename, short_names

BASE = """
_LIMIT = 3

class Base:
    def __init__(self, length):
        self._length = length
        self.size = _LIMIT

    def _grown(self):
        return self._length + _LIMIT
"""
DERIVED = """
from base import Base

class Derived(Base):
    def __init__(self, length):
        super().__init__(length)
        self._breadth = 2  # _length stays out of its way

    def area(self):
        return self._length * self._breadth
"""
STRANGER = """
def _helper(value):
    return value + 1

def twice(value):
    return _helper(_helper(value))
"""


def shortened(sources: dict[str, str]) -> dict[str, str]:
    renames = short_names(sources)
    return {module: rename(text, renames[module]) for module, text in sources.items()}


def test_a_class_and_the_one_it_inherits_from_in_another_module_still_mean_the_same() -> None:
    made = shortened({"base": BASE, "derived": DERIVED})
    assert "_length =" not in made["base"]
    names: dict[str, object] = {}
    exec(made["base"] + made["derived"].replace("from base import Base", ""), names)
    derived = names["Derived"](5)  # type: ignore[operator]
    assert (derived.area(), derived.size) == (10, 3)
    assert len({name for name in vars(derived) if name.startswith("_")}) == 2


def test_modules_that_do_not_know_each_other_share_short_names() -> None:
    renames = short_names({"base": BASE, "stranger": STRANGER})
    assert renames["stranger"]["_helper"] in renames["base"].values()


def test_a_name_that_somebody_else_reaches_for_stays_everywhere() -> None:
    for reach in ("def f(base):\n    return base._length", "NAME = '_length'", "from base import _length"):
        assert "_length" not in short_names({"base": BASE, "other": reach})["base"]


def test_public_names_texts_and_lines_stay() -> None:
    made = shortened({"derived": DERIVED})["derived"]
    assert "# _length stays out of its way" in made
    assert made.count("\n") == DERIVED.count("\n")
    assert "def area(self):" in made


def test_the_agent_holds_fewer_than_a_quarter_of_its_private_names() -> None:
    sources = {str(place): path.read_text(encoding="utf-8") for place, path in agent_files().items()}
    renames = short_names(sources)
    long = {name for table in renames.values() for name in table}
    short = {name for table in renames.values() for name in table.values()}
    assert len(short) < len(long) / 4
    for module, text in sources.items():
        made = rename(text, renames[module])
        assert [type(node) for node in ast.walk(ast.parse(made))] == [type(node) for node in ast.walk(ast.parse(text))]


def test_a_name_that_is_short_already_is_not_given_to_another() -> None:
    source = "_count = 1\n_a = 2\n\ndef _sum():\n    return 10 * _count + _a\n\ntotal = _sum()\n"
    names: dict[str, object] = {}
    exec(shortened({"module": source})["module"], names)
    assert names["total"] == 12


def test_a_short_name_that_another_module_reaches_for_is_not_given_away() -> None:
    owner = "class Box:\n    def __init__(self):\n        self._a = 1\n        self._zeal = 2\n"
    user = "def look(box):\n    return box._a\n"
    names: dict[str, object] = {}
    exec(shortened({"owner": owner, "user": user})["owner"] + user, names)
    exec("found = look(Box())", names)
    assert names["found"] == 1
