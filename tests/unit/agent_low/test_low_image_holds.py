"""Does the flash hold the image at this moment? Asked again whenever it may have changed."""

import hashlib
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from low_chip import FLASH, SECTOR, Bench

from rescue.engine.common.image import CardImage
from rescue.engine.job import image_check
from rescue.engine.unit.verifier import image_holds
from rescuelink.job import default_job, validate

VECTORS = (0x20010000).to_bytes(4, "little") + (FLASH + 0x401).to_bytes(4, "little")
IMAGE = VECTORS + random.Random(5).randbytes(2 * SECTOR + 0x1233 - len(VECTORS))


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    (tmp_path / "a.bin").write_bytes(IMAGE)
    digest = hashlib.sha256(IMAGE).hexdigest()
    segment: dict[str, object] = {"address": FLASH, "length": len(IMAGE), "offset": 0, "sha256": digest}
    job = validate(default_job("a.bin", digest, [segment]))
    image = CardImage(job, str(tmp_path))
    image_check.check(image, lambda _done, _total: None)
    return SimpleNamespace(job=job, image=image, power=SimpleNamespace(check=lambda: None))


def holds(run: SimpleNamespace, bench: Bench) -> str:
    run.chip = bench.h7()
    return str(image_holds(run))


def test_it_does(run: SimpleNamespace) -> None:
    assert holds(run, Bench(IMAGE)) == ""


def test_what_lies_behind_the_image_is_not_its_business(run: SimpleNamespace) -> None:
    bench = Bench(IMAGE)
    bench.chip.flash.load(FLASH + 2 * SECTOR + 0x2000, b"own")
    assert holds(run, bench) == ""


@pytest.mark.parametrize("at", [0x20, SECTOR + 0x4321, len(IMAGE) - 1])
def test_the_first_sector_that_does_not_is_named(run: SimpleNamespace, at: int) -> None:
    bench = Bench(IMAGE[:at] + bytes([IMAGE[at] ^ 1]) + IMAGE[at + 1 :])
    word = (FLASH + at) & ~31
    assert holds(run, bench) == (
        f"sector {at // SECTOR} does not hold the image any more: flash does not hold what was written at 0x{word:08x}"
    )


def test_a_torn_word_is_named(run: SimpleNamespace) -> None:
    bench = Bench(IMAGE)
    bench.chip.flash.tear(FLASH + SECTOR + 0x40)
    assert holds(run, bench).endswith("at 0x08020040")
