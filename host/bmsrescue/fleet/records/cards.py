"""Cards of pocket dongles into a store: their records, and the backups that the records name.

A line is taken as it is or set aside as it is; nothing on the card is changed, and importing again changes nothing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
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
from bmsrescue.fleet.records.fields import plain_text
from bmsrescue.fleet.records.keeping import MAX_BACKUP_BYTES, keep_backup
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.reading import MAX_LINE_CHARACTERS
from bmsrescue.fleet.records.taking import IMPORT, LineTaker, Taken
from bmsrescue.fleet.store import Store
from bmsrescue.keys.records import Signatures, read_signatures

_FOLDER = "records"
_RECORDS = f"{_FOLDER}/records.jsonl"
_ASIDE = re.compile(rf"{_FOLDER}/records-aside-(\d{{1,6}})\.jsonl", re.IGNORECASE)
"""Records whose end a helper could not read, by number; it went on in another file."""
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

    def __init__(
        self, source: Path, files: CardFiles | None = None, wrong: HostError | None = None, size: int = 0
    ) -> None:
        self.source = source
        self._files = files
        self._wrong = wrong
        self._size = size  # of the image

    def record_files(self) -> list[str]:
        """The files with records, as their lines follow each other. Raises HostError: it is no card."""
        if self._wrong is not None:
            raise self._wrong
        if self._files is not None:
            self._check_total(self._files)
            return _in_order(self._files)
        folder = self.source / _FOLDER
        return _in_order(f"{_FOLDER}/{path.name}" for path in folder.glob("*")) if folder.is_dir() else []

    def open_records(self, name: str) -> IO[bytes]:
        """One of `record_files`; of a damaged one in an image, what can be read from its beginning."""
        if self._files is not None:
            _check_size(name, self._files.size_of(name))
            return self._files.open_start(name)
        path = self.source / name
        file = open_plain(path, self.source)
        if file is None:
            raise HostError(
                f"{path} is no file of the card's own",
                "Look who made this card: nothing was read of it. Where it is a copy made of links, copy it once more.",
            )
        try:
            _check_size(name, os.fstat(file.fileno()).st_size)
        except HostError:
            file.close()
            raise
        return file

    def size_of(self, name: str) -> int:
        """Bytes that the card says a file of records has. Raises OSError."""
        return self._files.size_of(name) if self._files is not None else (self.source / name).stat().st_size

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

    def backups(self, problems: list[str]) -> Iterator[tuple[str, bytes]]:
        """Name and contents of every backup of a size that one can have; what cannot be read is a problem more."""
        if self._wrong is not None:
            return
        if self._files is not None:
            for name in _backups_of(self._files):
                try:
                    data = self._files[name]
                except CardImageError as error:
                    problems.append(error.message)
                else:
                    yield name, data
            return
        for path in sorted((self.source / _BACKUPS).glob("*")):
            file = open_plain(path, self.source)
            if file is None:
                continue
            with file:
                if os.fstat(file.fileno()).st_size > MAX_BACKUP_BYTES:
                    continue
                try:
                    data = file.read(MAX_BACKUP_BYTES)
                except OSError as error:
                    problems.append(f"cannot read {path}: {error.strerror}")
                else:
                    yield path.name, data

    def damaged_folders(self) -> list[str]:
        """Those of an image that cannot be listed."""
        return self._files.damaged if self._files is not None else []

    def _check_total(self, files: CardFiles) -> None:
        """A made-up card may have a thousand names for the same bytes, which would be read a thousand times."""
        total = sum(map(files.size_of, [*_in_order(files), *_backups_of(files)]))
        if total > self._size:
            raise HostError(
                f"the records and backups on it have {total:,} bytes, more than the card ({self._size:,})",
                "Nothing was read of it. Look who made this card; of a damaged one, repair a copy (chkdsk or fsck).",
            )


def _backups_of(files: CardFiles) -> list[str]:
    return [
        name
        for name in files
        if PurePosixPath(name).parent.name.lower() == _BACKUPS and files.size_of(name) <= MAX_BACKUP_BYTES
    ]


def _in_order(names: Iterable[str]) -> list[str]:
    found = list(names)
    aside = sorted((int(match[1]), name) for name in found if (match := _ASIDE.fullmatch(name)))
    return [name for _number, name in aside] + [name for name in found if name.lower() == _RECORDS]


def _check_size(name: str, size: int) -> None:
    if size > MAX_RECORDS_BYTES:
        raise HostError(
            f"{name} has {size:,} bytes, more than any dongle's (at most {MAX_RECORDS_BYTES:,})",
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
    folders, images = _places_below(place)
    cards = [card for card in map(Card, folders) if card.record_files()]
    for image in images:
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
    source = plain_text(str(card.source))  # a folder may be called by any bytes
    taker = LineTaker(source, IMPORT)
    report = CardReport(source, taker.taken)
    try:
        taker.signatures = Signatures(keys or {}, card.signatures() if keys else {}, signed_only)
        for name in card.record_files():
            try:
                problem = _take_file(store, site, taker, card, name)
            except HostError as error:  # the other files are taken all the same
                problem = error.message
            if problem:
                report.problems.append(problem)
        report.problems += [f"the folder {name} of {card.source} is damaged" for name in card.damaged_folders()]
        for name, data in card.backups(report.problems):
            keep_backup(store, site, backups, name, data)
            report.backups += 1
    except OSError as error:
        report.problems.append(f"cannot read {error.filename or card.source}: {error.strerror}")
    except HostError as error:
        report.problems.append(error.message)
    report.problems = [plain_text(one) for one in report.problems]
    told = asdict(taker.taken) | {"source": report.source, "breaks": [list(one) for one in taker.taken.breaks]}
    with store.write() as session:
        project(session, ledger.append(session, site, [News(ledger.IMPORT, told)]))
    return report


def _take_file(store: Store, site: str, taker: LineTaker, card: Card, name: str) -> str:
    """Take in the lines of one file; what is wrong with it where not all of it could be read. Raises HostError."""
    with card.open_records(name) as file, _rare_collections():
        lines = _Lines(file)
        for piece in _pieces(lines):
            with store.write() as session:
                taker.take(session, site, piece)
        whole, size = lines.bytes, card.size_of(name)
    if whole >= size:
        return ""
    reason = f": {lines.stopped}" if lines.stopped else ""
    return f"of {name} on {card.source} {whole:,} of {size:,} bytes could be read{reason}"


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """The rows of a piece are all in use until they are stored: to look for garbage there takes a fifth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _places_below(place: Path) -> tuple[list[Path], list[Path]]:
    """Folders with a folder of records, and images. What cannot be looked into, or lies too deep, keeps nothing out."""
    folders: list[Path] = []
    images: list[Path] = []
    for name, inner, files in os.walk(place):
        if _FOLDER in inner:
            folders.append(Path(name))
        # What macOS knows of a file lies beside it, as "._" and its name.
        images += [Path(name) / one for one in files if one.endswith(IMAGE_SUFFIX) and not one.startswith("._")]
    return sorted(folders), sorted(images)


def _card_of_image(path: Path) -> list[Card]:
    try:
        image = FileImage(path)
        files = CardFiles(image, whole=False)
    except CardImageError as error:
        raise UsageError(f"{path}: {error.message}", error.next_step) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "Check its permissions.") from error
    return [Card(path, files, size=len(image))] if _in_order(files) else []


def _pieces(lines: Iterable[str]) -> Iterator[list[str]]:
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


class _Lines:
    """Lines without their newlines, up to where the file cannot be read on (`stopped`).

    One that never ends comes in pieces, each of which is set aside.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0
        self.stopped = ""

    def __iter__(self) -> Iterator[str]:
        while data := self._next():
            self.bytes += len(data)
            text = data.decode("utf-8", "backslashreplace").removesuffix("\n").removesuffix("\r")
            if text:
                yield text

    def _next(self) -> bytes:
        try:
            return self._file.readline(MAX_LINE_CHARACTERS)
        except OSError as error:
            self.stopped = error.strerror or str(error)
            return b""
