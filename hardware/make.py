"""Writes what is made from the netlist: `python -m hardware.make`.

`hardware/out/`: KiCad netlists, SKiDL's report, the parts list as CSV. `docs/pictures/board-*.svg`: schematics and the
wiring of the modules. `docs/build.md`, `docs/wiring.md`: the tables between their marks.
"""

from __future__ import annotations

import re
from pathlib import Path

from hardware import netlists, tables
from hardware.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]


def blocks() -> dict[str, dict[str, str]]:
    """Document -> mark -> the text between its marks."""
    return {
        "docs/build.md": {
            **{f"parts {stage}": tables.parts_table(stage) for stage in STAGES},
            "pins": tables.pin_table(),
            "check sheet": tables.check_sheet(),
        },
        "docs/wiring.md": {"simulations": tables.simulations_table()},
    }


def put(text: str, mark: str, block: str) -> str:
    """The document with this block in place; KeyError without its marks."""
    begin, end = f"<!-- {mark}: made by `python -m hardware.make` -->", f"<!-- end of {mark} -->"
    if begin not in text or end not in text:
        raise KeyError(f"the document has no marks for {mark}: {begin} ... {end}")
    return re.sub(
        re.escape(begin) + r".*?" + re.escape(end), lambda _: f"{begin}\n{block.strip()}\n{end}", text, flags=re.DOTALL
    )


def files() -> dict[str, str]:
    """Path in the repository -> text, of all that is made."""
    made = {f"hardware/out/{stage}.net": netlists.kicad(stage) for stage in STAGES}
    made["hardware/out/parts.csv"] = tables.parts_csv()
    for page, marked in blocks().items():
        text = (ROOT / page).read_text(encoding="utf-8")
        for mark, block in marked.items():
            text = put(text, mark, block)
        made[page] = text
    return made


def main() -> None:
    from hardware import pictures

    for name, text in {**files(), **pictures.pictures()}.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
