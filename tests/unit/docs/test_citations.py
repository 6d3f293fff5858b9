"""What code and documents cite can be opened: a page of docs/, one of its rows, or a public document that is listed."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from repository import ROOT, texts, where
from rescuelink import limits

REFERENCE = ROOT / "docs" / "reference"

# Names of notes that were never part of the repository; nobody can look a number up in them.
FOREIGN = (
    r"bms-domain",
    r"anchors [A-E] ?\d",
    r"\b[Ff]act sheet",
    r"\b[Rr]eference sheet",
    r"STM32H7 sheet",
    r"(?<!data )(?<!datasheet )\bsheet section",
    r"domain notes",
    r"\bnotes \d\.\d",
    r"virtual-boards",
    r"real-pico\b",
    r"chip-files\b",
    r"stm32h725\.md",
    r"\.\./shared/",
    r"\(\d\.\d P\d",
)
PAGE = re.compile(r"(docs/)?((?:[\w-]+/)*[\w-]+\.md)((?:#[\w-]+)(?:(?:, | and |,\n# |\n# )#[\w-]+)*)?")
DOCUMENT = re.compile(r"\b(RM|AN|PM|UM)(\d{4})\b|\b(DS)(\d{5})\b|\b(IHI|DDI) ?(\d{4})|\b(SBOS\d+)")
NOT_A_FACT = {  # how one chip is made and wired, and not what its silicon does
    "part",
    "family",
    "dpidr",
    "device_id",
    "flash_size_kib",
    "revision_id",
    "unique_id",
    "board_supply",
    "crystal_hz",
}


@cache
def names_in(page: Path) -> frozenset[str]:
    """What can stand behind a page's '#': its headings as GitHub writes them, and its named rows."""
    text = page.read_text(encoding="utf-8")
    found = set(re.findall(r'<a id="([\w-]+)"></a>', text))
    for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return frozenset(found)


def test_no_file_cites_notes_that_are_not_in_the_repository() -> None:
    found = []
    for path, text in texts().items():
        if path == Path(__file__).resolve():
            continue
        for pattern in FOREIGN:
            match = re.search(pattern, text)
            if match:
                found.append(f"{where(path, text, match.start())}: {match[0]}")
    assert not found, "cite a public document, or a row of docs/reference/: " + ", ".join(found)


def test_each_page_and_row_that_code_cites_exists() -> None:
    made = re.findall(r"--write (docs/\S+\.md)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    missing = []
    for path, text in texts().items():
        if path.suffix == ".md" or ".md" not in text:
            continue
        for match in PAGE.finditer(text):
            prefix, name, rows = match.groups()
            if not prefix and not rows:
                continue  # another program's page, or a path that is put together
            if f"docs/{name}" in made and not rows:
                continue  # a command writes it, and it may not have been run
            places = (ROOT / "docs" / name,) if prefix else (REFERENCE / name, ROOT / "docs" / name)
            page = next((place for place in places if place.is_file()), None)
            if page is None:
                missing.append(f"{where(path, text, match.start())}: no {match[0]}")
                continue
            for row in re.findall(r"#([\w-]+)", rows or ""):
                if row not in names_in(page):
                    missing.append(f"{where(path, text, match.start())}: no #{row} in {page.name}")
    assert not missing, ", ".join(missing)


def test_each_link_between_the_documents_leads_somewhere() -> None:
    broken = []
    for path, text in texts().items():
        if path.suffix != ".md":
            continue
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target, _, row = match[1].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            page = (path.parent / target).resolve() if target else path
            if not page.exists():
                broken.append(f"{where(path, text, match.start())}: no {match[1]}")
            elif row and page.suffix == ".md" and row not in names_in(page):
                broken.append(f"{where(path, text, match.start())}: no #{row} in {page.name}")
    assert not broken, ", ".join(broken)


@pytest.mark.parametrize("page", sorted(REFERENCE.glob("*.md")), ids=lambda page: page.name)
def test_the_reference_pages_name_only_rows_that_they_have(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.\"])([\w-]+\.md)?#([a-z][\w-]*)", text)
    missing = [row for other, row in named if row not in names_in(REFERENCE / other if other else page)]
    assert not missing, f"{page.name}: no such row: {missing}"


def test_each_row_has_a_name_of_its_own() -> None:
    for page in REFERENCE.glob("*.md"):
        names = re.findall(r'<a id="([\w-]+)"></a>', page.read_text(encoding="utf-8"))
        twice = {name for name in names if names.count(name) > 1}
        assert not twice, f"{page.name}: {twice}"


def test_each_document_that_is_cited_by_number_is_listed() -> None:
    def numbers(text: str) -> set[str]:
        return {"".join(part for part in match if part) for match in DOCUMENT.findall(text)}

    listed = numbers((REFERENCE / "README.md").read_text(encoding="utf-8"))
    missing = {
        f"{number} ({path.relative_to(ROOT)})"
        for path, text in texts().items()
        if path.suffix in {".py", ".md", ".S", ".c", ".h"}
        for number in numbers(text) - listed
    }
    assert not missing, "add it to the documents of docs/reference/README.md: " + ", ".join(sorted(missing))


def test_each_fact_of_the_chip_has_a_source_and_a_standing() -> None:
    for line in (REFERENCE / "chip.md").read_text(encoding="utf-8").splitlines():
        if "<a id=" not in line:
            continue
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        assert len(cells) == 4 and all(cells), f"name, fact, source, standing: {line}"
        assert re.search(r"silicon|document|tool|unconfirmed|judgement", cells[3]), line


def test_every_switch_of_the_chip_has_a_fact_that_names_it() -> None:
    text = "".join((REFERENCE / name).read_text(encoding="utf-8") for name in ("chip.md", "silicon.md"))
    switches = {field.name for field in fields(ChipConfig)}
    nameless = {name for name in switches - NOT_A_FACT if f"`{name}`" not in text}
    assert not nameless, f"say in docs/reference/chip.md what is unconfirmed about the chip: {sorted(nameless)}"
    rows = [line for line in (REFERENCE / "chip.md").read_text(encoding="utf-8").splitlines() if "<a id=" in line]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row.rpartition(" | ")[2])}
    assert named <= switches, f"no such switch of ChipConfig: {sorted(named - switches)}"


def rows_of_unit() -> list[str]:
    return [
        line for line in (REFERENCE / "unit.md").read_text(encoding="utf-8").splitlines() if line.startswith("| <a")
    ]


@pytest.mark.parametrize("rail", limits.RAIL_NAMES)
def test_the_unit_page_has_the_window_of_each_rail(rail: str) -> None:
    window = limits.default_limits().rails[rail]
    wanted = [window.low_mv, window.high_mv, window.danger_mv, limits.ceiling_mv(rail, "STM32H725")]
    row = next(line for line in rows_of_unit() if f'<a id="rail-{rail}"></a>' in line)
    assert [int(cell.replace(",", "")) for cell in row.split(" | ")[1:5]] == wanted


def test_the_unit_page_has_every_limit_with_its_default() -> None:
    wrong = []
    defaults = limits.default_limits()
    for name in sorted(limits._NUMBERS):
        row = next((line for line in rows_of_unit() if f"`{name}`" in line), "")
        value = getattr(defaults, name)
        unit = name.rpartition("_")[2]
        written = {f"{value:,} {unit}", f"{value}", *({f"{value // 1000} s"} if unit == "ms" else ())}
        written |= {f"{value / 1000:g} V"} if unit == "mv" else set()
        written |= {f"{value // 1_000_000} MHz"} if unit == "hz" else set()
        if not any(re.search(rf"(?<![\d.,]){re.escape(text)}(?![\d])", row) for text in written):
            wrong.append(f"{name} = {value}")
    assert not wrong, "docs/reference/unit.md must say why: " + ", ".join(wrong)
