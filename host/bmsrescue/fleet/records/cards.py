"""Cards of pocket dongles into a store: their records, and the backups that the records name.

A line is taken as it is or set aside as it is; nothing on the card is changed, and importing again changes nothing.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from bmsrescue.card.fat import CardFiles, CardImageError
from bmsrescue.card.image_bytes import FileImage
from bmsrescue.card.plain_file import is_plain, open_plain
from bmsrescue.card.storage import IMAGE_SUFFIX
from bmsrescue.errors import HostError, UsageError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.records.keeping import MAX_BACKUP_BYTES, keep_backup
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.reading import MAX_LINE_CHARACTERS
from bmsrescue.fleet.records.taking import IMPORT, LineTaker, Taken
from bmsrescue.fleet.store import Store
from bmsrescue.keys.records import Signatures, read_signatures

_RECORDS = "records/records.jsonl"
_SIGNATURES = "records/signatures.txt"
_BACKUPS = "backups"
_LINES_AT_ONCE = 1000
_CHARACTERS_AT_ONCE = 4 * 1024 * 1024
MAX_RECORDS_BYTES = 1024**3
"""Some hundred thousand records: a dongle's card holds no more."""
_MAX_SIGNATURES_BYTES = 64 * 1024**2
_ALLOCATIONS_PER_COLLECTION = 200_000


class Card:
    """The files of one card that matter here: a folder, or the files of a FAT image. `wrong`: why it is none."""

    def __init__(self, source: Path, files: CardFiles | None = None, wrong: HostError | None = None) -> None:
        self.source = source
        self._files = files
        self._wrong = wrong

    def open_records(self) -> IO[bytes]:
        if self._wrong is not None:
            raise self._wrong
        if self._files is not None:
            _check_size(self._files.size_of(_RECORDS))
            return BytesIO(self._files[_RECORDS])
        path = self.source / _RECORDS
        file = open_plain(path, self.source)
        if file is None:
            raise HostError(
                f"{path} is no file of the card's own",
                "Look who made this card: nothing was read of it. Where it is a copy made of links, copy it once more.",
            )
        try:
            _check_size(os.fstat(file.fileno()).st_size)
        except HostError:
            file.close()
            raise
        return file

    def signatures(self) -> dict[str, list[bytes]]:
        """What was signed of the records, by the hash of a line; nothing where no helper has signed any."""
        if self._wrong is not None:
            return {}
        if self._files is not None:
            if _SIGNATURES not in self._files or self._files.size_of(_SIGNATURES) > _MAX_SIGNATURES_BYTES:
                return {}
            return read_signatures(self._files[_SIGNATURES])
        file = open_plain(self.source / _SIGNATURES, self.source)
        if file is None:
            return {}
        with file:
            return read_signatures(file.read(_MAX_SIGNATURES_BYTES))

    def backups(self) -> Iterator[tuple[str, bytes]]:
        """Name and contents of every backup of a size that one can have."""
        if self._wrong is not None:
            return
        if self._files is not None:
            for name in self._files:
                if (
                    PurePosixPath(name).parent.name.lower() == _BACKUPS
                    and self._files.size_of(name) <= MAX_BACKUP_BYTES
                ):
                    yield name, self._files[name]
            return
        for path in sorted((self.source / _BACKUPS).glob("*")):
            file = open_plain(path, self.source)
            if file is None:
                continue
            with file:
                if os.fstat(file.fileno()).st_size <= MAX_BACKUP_BYTES:
                    yield path.name, file.read(MAX_BACKUP_BYTES)


def _check_size(size: int) -> None:
    if size > MAX_RECORDS_BYTES:
        raise HostError(
            f"{_RECORDS} has {size:,} bytes, more than any dongle's (at most {MAX_RECORDS_BYTES:,})",
            "Look what this file is: nothing was read of it. Of a true one, import parts that are cut between lines.",
        )


@dataclass
class CardReport:
    """What the import of one card did."""

    source: str
    taken: Taken
    backups: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing was broken, set aside or unreadable."""
        return not self.taken.breaks and not self.problems


def find_cards(place: Path) -> list[Card]:
    """The card at `place`, or every card below it: folders with records, and FAT images that have some.

    Raises:
        UsageError: there is nothing there.
    """
    if not place.exists():
        raise UsageError(f"there is nothing at {place}", "Name a card, or a folder of cards.")
    if place.is_file():
        return _card_of_image(place)
    cards = [Card(path.parent.parent) for path in sorted(place.rglob(_RECORDS))]
    for image in sorted(place.rglob(f"*{IMAGE_SUFFIX}")):
        if image.name.startswith("._"):  # what macOS knows of a file, beside it
            continue
        try:
            if not is_plain(image, place):
                raise HostError(f"{image} is no file of this folder's own", "Import what it leads to by its own name.")
            cards += _card_of_image(image)
        except HostError as error:  # the other cards are taken all the same
            cards.append(Card(image, wrong=error))
    if not cards:
        raise UsageError(f"there is no card with records at {place}", f"A card has {_RECORDS}.")
    return cards


def import_card(
    store: Store,
    site: str,
    backups: BackupFolder,
    card: Card,
    keys: Mapping[str, bytes] | None = None,
    signed_only: bool = False,
) -> CardReport:
    """Take in one card. Raises StoreError.

    keys: of the helpers that sign their records, by helper_id. signed_only: those of any other are set aside.
    """
    taker = LineTaker(str(card.source), IMPORT)
    report = CardReport(str(card.source), taker.taken)
    try:
        taker.signatures = Signatures(keys or {}, card.signatures() if keys else {}, signed_only)
        with card.open_records() as file, _rare_collections():
            for piece in _pieces(_lines(file)):
                with store.write() as session:
                    taker.take(session, site, piece)
        for name, data in card.backups():
            keep_backup(store, site, backups, name, data)
            report.backups += 1
    except OSError as error:
        report.problems.append(f"cannot read {error.filename or card.source}: {error.strerror}")
    except HostError as error:
        report.problems.append(error.message)
    told = asdict(taker.taken) | {"source": report.source, "breaks": [list(one) for one in taker.taken.breaks]}
    with store.write() as session:
        project(session, ledger.append(session, site, [News(ledger.IMPORT, told)]))
    return report


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """The rows of a piece are all in use until they are stored: to look for garbage there takes a fifth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _card_of_image(path: Path) -> list[Card]:
    try:
        files = CardFiles(FileImage(path))
    except CardImageError as error:
        raise UsageError(f"{path}: {error.message}", error.next_step) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "Check its permissions.") from error
    return [Card(path, files)] if _RECORDS in files else []


def _pieces(lines: Iterator[str]) -> Iterator[list[str]]:
    """As many at a time as go into one transaction, and into little memory."""
    piece: list[str] = []
    characters = 0
    for line in lines:
        piece.append(line)
        characters += len(line)
        if len(piece) >= _LINES_AT_ONCE or characters >= _CHARACTERS_AT_ONCE:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Lines without their newlines; one that never ends comes in pieces, each of which is set aside."""
    while data := file.readline(MAX_LINE_CHARACTERS):
        text = data.decode("utf-8", "backslashreplace").removesuffix("\n").removesuffix("\r")
        if text:
            yield text
