"""The sticker of a unit: a scanner reads from it what the unit is called."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.unit_label import png, zpl

_UID = "365139384138470400BD0010"


def attempt(label: str | None, outcome: str = "RECOVERED") -> Attempt:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    return Attempt(helper="helper-with-a-long-name-1", sequence=12_345, label=label, outcome=outcome, at=at)


def scanned(picture: bytes) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(Image.open(BytesIO(picture)).convert("L"))]


@pytest.mark.parametrize("label", ["BR16S-24000001", "Ü-Ж-電池 1", "x" * 64, "^XA~DG<script>"])
def test_a_scanner_reads_the_label(label: str) -> None:
    assert scanned(png(attempt(label), _UID)) == [label]


def test_without_a_label_a_scanner_reads_the_chips_id() -> None:
    assert scanned(png(attempt(None), _UID)) == [_UID]


def test_a_unit_that_nobody_knows_has_a_sticker_without_a_code() -> None:
    assert scanned(png(attempt(None, "UNSAFE"), None)) == []


def test_the_sticker_has_its_size_at_the_printers_resolution() -> None:
    picture = Image.open(BytesIO(png(attempt("BR16S-24000001"), _UID)))
    assert (picture.size, picture.mode) == ((400, 200), "1")
    assert [round(dpi) for dpi in picture.info["dpi"]] == [203, 203]


def test_pass_and_fail_look_different() -> None:
    assert png(attempt("A"), _UID) != png(attempt("A", "LOCKED"), _UID)


def test_the_printers_barcode_fits_on_the_sticker() -> None:
    for name in ("BR16S-24000001", _UID):
        width = int(zpl(attempt(None), name).split("^BY")[1][0])
        modules = 11 * (len(name) + 3) + 2  # start, check, stop
        assert 16 + width * modules <= 400


def test_a_unit_that_is_not_ready_to_be_given_back_has_a_black_band() -> None:
    def dark(outcome: str) -> int:
        top = Image.open(BytesIO(png(attempt("A", outcome), _UID))).convert("L").crop((0, 0, 200, 50))
        return sum(top.histogram()[:128])

    assert dark("RECOVERED_CHECK_CONFIG") > 4 * dark("RECOVERED")
    assert "^FR" in zpl(attempt("A", "RECOVERED_CHECK_CONFIG"), _UID)
    assert "^FR" not in zpl(attempt("A"), _UID)
    assert scanned(png(attempt("A1", "RECOVERED_CHECK_CONFIG"), _UID)) == ["A1"]
