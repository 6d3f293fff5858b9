"""Backups by their hash: in a folder of this machine, or at any place that fsspec can write to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError, UsageError
from bmsrescue.private import FOLDER_MODE

FOLDER_NAME = "backups"


class BackupFolder:
    """`url`: a path, or an fsspec URL such as s3://bucket/backups, whose driver must be installed."""

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = url_to_fs(url)
        except (ValueError, ImportError, OSError) as error:
            raise UsageError(f"backups cannot be kept at {url}: {error}", "Name a folder or an fsspec URL.") from error

    def put(self, sha256: str, data: bytes) -> str:
        """Keep `data`, whose SHA-256 this is; returns its place below the folder. Harmless when it is there.

        Raises:
            HostError: it cannot be written, or does not read back.
        """
        place = f"{sha256[:2]}/{sha256[2:]}.bin"
        path = f"{self._root}/{place}"
        try:
            if not self._reads_back(path, sha256):
                self._write(path, data)
                if not self._reads_back(path, sha256):
                    raise HostError(f"backup {place} does not read back", "Check where backups are kept.")
        except OSError as error:
            raise HostError(f"cannot keep backup {place}: {error}", "Check where backups are kept.") from error
        return place

    def get(self, sha256: str) -> bytes:
        """A backup. Raises HostError when it is missing or not what was kept."""
        place = f"{sha256[:2]}/{sha256[2:]}.bin"
        try:
            data: bytes = self._files.cat_file(f"{self._root}/{place}")
        except OSError as error:
            raise HostError(f"backup {place} cannot be read: {error}", "Check where backups are kept.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise HostError(f"backup {place} is not what was kept", "Take it from the unit's card.")
        return data

    def _write(self, path: str, data: bytes) -> None:
        if isinstance(self._files, LocalFileSystem):
            for folder in (Path(self._root), Path(path).parent):
                folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_atomically(Path(path), data, private=True)
        else:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)

    def _reads_back(self, path: str, sha256: str) -> bool:
        if not self._files.exists(path):
            return False
        return hashlib.sha256(self._files.cat_file(path)).hexdigest() == sha256
