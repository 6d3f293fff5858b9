"""The one pass over an image's file: the digests that it leaves, for segments of any order, length and place."""

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.common.image import CardImage  # noqa: E402
from rescue.engine.job import image_check  # noqa: E402
from rescuelink.errors import JobError  # noqa: E402
from rescuelink.job import default_job, validate  # noqa: E402

FLASH = 0x08000000
SECTOR = 0x20000
VECTORS = (0x20010000).to_bytes(4, "little") + (FLASH + 0x401).to_bytes(4, "little")


def image_of(folder: Path, data: bytes, segments: list[tuple[int, int, int]]) -> CardImage:
    """segments: (address, length, offset)."""
    (folder / "a.bin").write_bytes(data)
    parts: list[dict[str, object]] = [
        {
            "address": address,
            "length": length,
            "offset": offset,
            "sha256": hashlib.sha256(data[offset : offset + length]).hexdigest(),
        }
        for address, length, offset in segments
    ]
    return CardImage(validate(default_job("a.bin", hashlib.sha256(data).hexdigest(), parts)), str(folder))


class Counted:
    """Bytes of the file that were read."""

    def __init__(self, image: CardImage) -> None:
        self.bytes = 0
        self._read = image.read
        image.read = self

    def __call__(self, offset: int, view: Any) -> None:
        self.bytes += len(view)
        self._read(offset, view)


LAYOUTS = {
    "one": [(FLASH, 3 * SECTOR + 0x1234, 0)],
    "one of odd length": [(FLASH, SECTOR + 1, 0)],
    "that ends with a sector": [(FLASH, 2 * SECTOR, 0)],
    "one whose last flash word is the sector's last": [(FLASH, 2 * SECTOR - 3, 0)],
    "three, the file in another order": [
        (FLASH, 0x1000, 0x9000),
        (FLASH + 0x1F000, 0x4321, 0),
        (FLASH + 0x30000, 77, 0x20000),
    ],
    "two from the same bytes": [(FLASH, 0x1000, 0), (FLASH + SECTOR, 0x800, 0x400)],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_sectors_part_has_its_digest_after_the_pass(name: str, tmp_path: Path) -> None:
    segments = LAYOUTS[name]
    length = max(offset + size for _address, size, offset in segments) + 5
    data = bytearray(random.Random(name).randbytes(length))
    boot = segments[0][2]
    data[boot : boot + 8] = VECTORS
    image = image_of(tmp_path, bytes(data), segments)
    counted = Counted(image)
    image_check.check(image, lambda _done, _total: None)
    assert counted.bytes == length * (2 if name == "two from the same bytes" else 1)
    counted.bytes = 0
    for sector in range(8):
        address = FLASH + sector * SECTOR
        for low, size in image.parts(address, SECTOR):
            wanted = bytearray(b"\xff" * size)
            for start, count, offset in segments:
                begin, end = max(start, low), min(start + count, low + size)
                if begin < end:
                    wanted[begin - low : end - low] = data[offset + begin - start : offset + end - start]
            assert image.sha256(low, size) == hashlib.sha256(wanted).digest()
    assert counted.bytes == 0, "nothing is read again"


def test_a_segment_that_is_not_as_the_job_says_is_named(tmp_path: Path) -> None:
    data = VECTORS + random.Random(1).randbytes(0x2000)
    image = image_of(tmp_path, data, [(FLASH, 0x1000, 0), (FLASH + SECTOR, 0x800, 0x1000)])
    image.job.image.segments[1].sha256 = "00" * 32
    with pytest.raises(JobError, match="segment 0x08020000"):
        image_check.check(image, lambda _done, _total: None)


def test_another_file_is_named_by_its_own_digest(tmp_path: Path) -> None:
    data = VECTORS + random.Random(1).randbytes(0x2000)
    image = image_of(tmp_path, data, [(FLASH, len(data), 0)])
    (tmp_path / "a.bin").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(JobError, match="its SHA-256"):
        image_check.check(image, lambda _done, _total: None)
