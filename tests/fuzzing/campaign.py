"""A campaign of damaged files: each is taken with the bytes that other readers find in it, or refused in words.

Whatever else happens is a find: an exception that is no refusal, bytes that another reader does not find, a file of a
person's that is gone.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bmsrescue.card.build import ImageOptions, build_files
from bmsrescue.card.check import check_card
from bmsrescue.card.fat import make_image
from bmsrescue.card.storage import read_card, write_new_card
from bmsrescue.errors import HostError
from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.inspect import inspect
from bmsrescue.image.read import Firmware, read_firmware
from card_cases import card
from fuzzing import judges, mutations
from fuzzing.kinds import FLASH, SEEDS, varied

VOLUME_BYTES = 256 << 10
_CARDS_OF_TEN, _JOBS_OF_TEN = 1, 2
_NEVER_MEANT = "taken, though it is linked for another address"


@dataclass
class Row:
    """What became of one kind's files. slowest_s: of reading one."""

    cases: int = 0
    taken: int = 0
    judged: int = 0
    slowest_s: float = 0.0


@dataclass
class Tally:
    """rows by kind; finds: (seed, kind, what), for a person."""

    rows: dict[str, Row] = field(default_factory=dict)
    crashes: list[tuple[int, str, str]] = field(default_factory=list)
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    lost: list[tuple[int, str, str]] = field(default_factory=list)
    sentences: set[str] = field(default_factory=set)


def seeded(seed: int) -> tuple[str, bytes]:
    """The damaged firmware file of a seed: its kind, its bytes."""
    dice = random.Random(f"file {seed}")
    kind = dice.choice(list(SEEDS))
    return kind, mutations.changed(kind, SEEDS[kind](), dice)


def run(count: int, first: int = 0, tell: Callable[[int], None] | None = None) -> Tally:
    """`count` files: seven of ten are firmware, two are cards with a job, one is a card image."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            share = seed % 10
            if share < _CARDS_OF_TEN:
                _card_image(seed, Path(folder), tally)
            elif share < _CARDS_OF_TEN + _JOBS_OF_TEN:
                _job(seed, Path(folder), tally)
            else:
                _firmware(seed, tally)
            if tell is not None:
                tell(seed)
    return tally


def _firmware(seed: int, tally: Tally) -> None:
    kind, content = seeded(seed)
    row = tally.rows.setdefault(kind, Row())
    row.cases += 1
    firmware = None
    with _watched(seed, kind, row, tally):
        firmware = read_firmware(content, "fw")
    if firmware is None or (firmware.boot_address is None and firmware.format.startswith("raw")):
        return  # `card build` and `flash` refuse bytes in which nothing says where they belong
    row.taken += 1
    with _watched(seed, kind, row, tally):
        json.dumps(inspect(firmware))
    wrong = what_is_wrong(firmware, kind, content)
    if wrong is None:
        row.judged += 1
    elif wrong:
        tally.wrong.append((seed, kind, wrong))


def what_is_wrong(firmware: Firmware, kind: str, content: bytes) -> str | None:
    """In words; "" where no other reader has an opinion, None where all of them agree."""
    ours = judges.flash_of(firmware.segments)
    theirs: list[bytes | None] = []
    if kind in ("ZIP", "gzip"):
        return _of_archive(firmware, content)
    if firmware.format in ("raw bytes (BIN)", "an MCUboot image"):
        if kind == "BIN behind a bootloader" and content[:0x502] == SEEDS[kind]()[:0x502]:
            return _NEVER_MEANT
        theirs = [judges.flash_of([type(firmware.segments[0])(FLASH, content)])] if firmware.segments else []
    elif firmware.format == "UF2":
        theirs = [judges.by_uf2_blocks(content)]
    elif firmware.format == "DfuSe":
        theirs = [judges.by_dfu_elements(content)]
    elif firmware.format == "ELF" and not any(struct.unpack_from("<HHH", content, 46)[1:2]):
        theirs = [judges.by_load_segments(content)]
    else:
        theirs = [judges.by_objcopy(content, firmware.format)] if judges.OBJCOPY else []
        if firmware.format == "Intel HEX":
            theirs.append(judges.by_intelhex(content))
    opinions = [flash for flash in theirs if flash is not None]
    if not opinions:
        return ""
    for flash in opinions:
        if flash == judges.ELSEWHERE:
            return f"{firmware.format}: another reader has bytes for elsewhere"
        if flash != ours:
            at = next(n for n, (a, b) in enumerate(zip(ours, flash, strict=True)) if a != b)
            return f"{firmware.format}: 0x{FLASH + at:08x} is 0x{ours[at]:02x}, another reader has 0x{flash[at]:02x}"
    return None


def _of_archive(firmware: Firmware, content: bytes) -> str | None:
    # Its own checksum holds what is in it: what was packed is read by itself.
    import gzip
    import io
    import zipfile

    try:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inner = archive.read(archive.infolist()[0])
        elif content[:2] == b"\x1f\x8b":
            inner = gzip.decompress(content)
        else:
            return what_is_wrong(firmware, "", content)
    except (OSError, EOFError, zipfile.BadZipFile, ValueError):
        return "taken, though its packing is damaged"
    return what_is_wrong(firmware, "", inner)


def _job(seed: int, folder: Path, tally: Tally) -> None:
    """A card with a job in a folder: checked, and made into a card anew from its job file."""
    row = tally.rows.setdefault("job on a card", Row())
    row.cases += 1
    files = card(100_000 + seed)
    with _watched(seed, "job on a card", row, tally):
        check_card(files)
        row.taken += 1
        row.judged += 1
    place = folder / f"job{seed}"
    place.mkdir()
    for name, data in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(data)
    source = next((place / name for name in files if name.lower() == "job.json"), place / "job.json")
    if source.exists() and source.suffix == ".json":
        with _watched(seed, "job on a card", row, tally):
            build_files(source)
    _no_file_lost(seed, place, files, tally)


def _card_image(seed: int, folder: Path, tally: Tally) -> None:
    """A card image whose bytes were changed: read, and given a job beside what is on it."""
    row = tally.rows.setdefault("card image", Row())
    row.cases += 1
    dice = random.Random(f"card {seed}")
    files = {**card(200_000 + seed), "notes.txt": b"mine", "photos/one.jpg": dice.randbytes(3000)}
    image = make_image(files, VOLUME_BYTES)
    for _ in range(dice.choice([0, 1, 4, 40])):
        image[dice.choice([dice.randrange(512), dice.randrange(24 * 512), dice.randrange(len(image))])] = dice.choice(
            [0, 0xFF, 0xF8, 0x55, dice.randrange(256)]
        )
    if dice.random() < 0.1:
        del image[dice.randrange(len(image)) :]
    path = folder / "card.img"
    path.write_bytes(image)
    before: dict[str, bytes] | None = None
    with _watched(seed, "card image", row, tally):
        there = read_card(path)
        before = _readable(there)
        check_card(there)
        row.taken += 1
        row.judged += 1
    new = build_files(_good_firmware(folder), ImageOptions()).files
    written = False
    with _watched(seed, "card image", row, tally):
        write_new_card(path, new)
        written = True
    if not written:
        if path.read_bytes() != bytes(image):
            tally.lost.append((seed, "card image", "refused, and changed"))
    elif before is None:  # a folder of it is damaged: only another reader can say what was on it
        gone = _by_mtools(bytes(image), folder).items() - _by_mtools(path.read_bytes(), folder).items()
        tally.lost += [(seed, "card image", name) for name, _data in gone if name.lower() not in new]
    else:
        replaced = {name.lower() for name in new}
        kept = {name: data for name, data in before.items() if name.lower() not in replaced}
        after: dict[str, bytes] = {}
        with _watched(seed, "card image", row, tally):
            after = _readable(read_card(path))
        tally.lost += [(seed, "card image", name) for name, data in kept.items() if after.get(name) != data]
    path.unlink()


def _by_mtools(image: bytes, folder: Path) -> dict[str, bytes]:
    source, out = folder / "seen.img", folder / "seen"
    source.write_bytes(image)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    if shutil.which("mcopy"):
        subprocess.run(["mcopy", "-s", "-n", "-i", source, "::*", out], capture_output=True, timeout=60)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def _readable(card: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that can be read; a damaged card keeps some from being."""
    files = {}
    for name in card:
        with suppress(HostError):
            files[name] = card[name]
    return files


def _no_file_lost(seed: int, place: Path, files: dict[str, bytes], tally: Tally) -> None:
    out = place / "card"
    out.mkdir()
    (out / "notes.txt").write_bytes(b"mine")
    written = _good_firmware(place.parent)
    write_new_card(out, build_files(written, ImageOptions()).files)
    for name, data in {**files}.items():
        if not (place / name).exists() or (place / name).read_bytes() != data:
            tally.lost.append((seed, "job on a card", name))
    if (out / "notes.txt").read_bytes() != b"mine":
        tally.lost.append((seed, "job on a card", "notes.txt"))


def _good_firmware(folder: Path) -> Path:
    path = folder / "good.bin"
    if not path.exists():
        path.write_bytes(varied())
    return path


class _watched:  # noqa: N801 - a context, read as a word
    """Lets refusals pass, with the words in the tally; anything else that is raised is a crash."""

    def __init__(self, seed: int, kind: str, row: Row, tally: Tally) -> None:
        self._at = (seed, kind)
        self._row, self._tally = row, tally

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        self._row.slowest_s = max(self._row.slowest_s, time.perf_counter() - self._start)
        if error is None:
            return False
        if isinstance(error, HostError):
            self._tally.sentences.add(_without_digits(error.message))
            if not error.next_step or "\n" in error.message:
                self._tally.crashes.append((*self._at, f"no next step, or several lines: {error.message}"))
            return True
        if isinstance(error, Exception):
            self._tally.crashes.append((*self._at, repr(error)))
            return True
        return False


def _without_digits(text: str) -> str:
    return "".join("#" if char.isdigit() else char for char in text)


def seeds_of(tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Every find."""
    yield from tally.crashes
    yield from tally.wrong
    yield from tally.lost


__all__ = ["ImageFileError", "Row", "Tally", "run", "seeded", "seeds_of", "what_is_wrong"]
