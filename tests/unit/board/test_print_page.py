"""The field guide fits one printed sheet: Chromium prints it, and its PDF has one page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bmsrescue.board.print_page import printable
from repository import ROOT

GUIDE = (ROOT / "docs" / "field-guide.md").read_text(encoding="utf-8")


def pages(html: str, folder: Path) -> int:
    (folder / "page.html").write_text(html, encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    words += [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'page.pdf'}"]
    subprocess.run([*words, (folder / "page.html").as_uri()], check=True, capture_output=True, timeout=120)
    (count,) = re.findall(rb"/Type\s*/Pages\b.*?/Count (\d+)", (folder / "page.pdf").read_bytes(), re.DOTALL)
    return int(count)


@pytest.mark.skipif(shutil.which("chromium") is None and not os.environ.get("CI"), reason="Chromium is not installed")
def test_the_field_guide_prints_on_one_page_and_twice_as_much_does_not(tmp_path: Path) -> None:
    assert pages(printable(GUIDE), tmp_path) == 1
    assert pages(printable(GUIDE + GUIDE), tmp_path) > 1


def test_tables_are_tables_in_print() -> None:
    assert printable(GUIDE).count("<tr>") > 10
