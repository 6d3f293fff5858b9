"""docs/licences.md has what comes to a user, and under which licence each says that it is."""

from __future__ import annotations

import re

from fresh_install import needed_by
from licences_page import PAGE, licence_of

_ROW = re.compile(r"^\| ([a-z0-9.-]+) \| [^|]* \| ([^|]+) \|$", re.MULTILINE)


def test_each_package_that_is_installed_is_there_with_its_licence() -> None:
    installed = PAGE.read_text(encoding="utf-8").partition("## What is installed with it")[2]
    told = {name: licence for name, licence in _ROW.findall(installed) if name != "package"}
    assert told == {name: licence_of(name).replace("|", "/") for name in needed_by("bmsrescue")}, "run: make licences"
    tail = installed.rpartition("[unicorn]")[2]
    assert all(f"`{name}`" in tail for name, licence in told.items() if licence == "not said")
