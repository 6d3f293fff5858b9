"""The pictures of docs/architecture.md show the code as it is: each folder, and each arrow between them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import module_map

NEW = "run `make map` and commit docs/pictures"


def arrows_in(picture: str) -> set[str]:
    return set(re.findall(r"<title>(\S+ imports \S+)</title>", picture))


def boxes_in(picture: str) -> set[str]:
    return set(re.findall(r'class="name"[^>]*>([^<]+)<', picture))


@pytest.mark.parametrize("name", module_map.SHOWN)
def test_the_picture_has_the_folders_and_arrows_of_the_code(name: str) -> None:
    kept, now = module_map.picture_of(name).read_text(encoding="utf-8"), module_map.draw(module_map.SHOWN[name])
    assert boxes_in(kept) == boxes_in(now), NEW
    assert arrows_in(kept) == arrows_in(now), NEW


def test_the_command_writes_each_picture_and_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_map, "PICTURES", tmp_path)
    module_map.main()
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    module_map.main()
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(first) == len(module_map.SHOWN)
    for picture in first.values():
        assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_the_page_shows_each_of_them() -> None:
    page = (module_map.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [name for name in module_map.SHOWN if f"pictures/map-{name}.svg" not in page] == []
