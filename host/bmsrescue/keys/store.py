"""The keys of this computer: a folder `keys` in the data folder, readable by its owner alone.

secret/NAME.pem     one's own, to sign with
trusted/NAME.pem    public ones whose jobs are good here
revoked             names of keys (rescuelink.manifest.key_id) that are trusted no more, and never again
helpers/ID.pem      the public keys of helpers, by their helper_id, whose records are known by them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bmsrescue.card.storage import write_atomically
from bmsrescue.config import data_dir
from bmsrescue.errors import HostError, UsageError
from bmsrescue.keys.pem import new_secret, public_of, public_pem, read_public, read_secret, secret_pem
from bmsrescue.private import FOLDER_MODE, private_data_folder
from rescuelink.manifest import key_id

_SUFFIX = ".pem"
_LONGEST = 40
TRUST_FILE = "trust.txt"
"""Of a helper, as `rescue.engine.job.released` has it."""
MOST_TRUSTED = 8
"""Of one helper: each costs its heap for a moment."""


@dataclass(frozen=True)
class KnownKey:
    """`own`: the secret half is here. `revoked`: it was trusted once."""

    name: str
    id: str
    own: bool
    trusted: bool
    revoked: bool


class KeyStore:
    """Raises HostError where the folder cannot be read or written."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_dir() / "keys"

    def make(self, name: str, passphrase: str = "") -> bytes:
        """A new secret key under `name`; returns its public half."""
        path = self._path("secret", name)
        if path.exists():
            raise UsageError(f"there is a key {name} already", "Choose another name; keys are never replaced.")
        key = new_secret()
        self._write(path, secret_pem(key, passphrase))
        return public_of(key)

    def secret(self, name: str, passphrase: str = "") -> ec.EllipticCurvePrivateKey:
        """The secret key of that name, or of a file."""
        path = self.secret_path(name)
        return read_secret(_read(path), str(name), passphrase)

    def secret_path(self, name: str) -> Path:
        """Where the secret key of that name lies, or the file itself. Raises UsageError where there is none."""
        if _is_name(name) and self._path("secret", name).exists():
            return self._path("secret", name)
        if Path(name).is_file():
            return Path(name)
        raise UsageError(f"there is no secret key {name}", "Make one with: bmsrescue keys new NAME.")

    def public(self, name: str) -> bytes:
        """The public key by its name here, the beginning of its ID, or a file."""
        if _is_name(name):
            for kind in ("trusted", "public", "helpers"):
                path = self._path(kind, name)
                if path.exists():
                    return read_public(_read(path), name)
        if Path(name).is_file():
            return read_public(_read(Path(name)), name)
        found = [key for key in self._in("trusted").values() if len(name) >= 4 and key_id(key).startswith(name.lower())]
        if len(found) == 1:
            return found[0]
        raise UsageError(f"there is no key {name}", "See them with: bmsrescue keys list.")

    def keep_public(self, name: str, public: bytes) -> None:
        """The public half of one's own, so that it can be given away without the passphrase."""
        self._write(self._path("public", name), public_pem(public))

    def trust(self, name: str, public: bytes) -> None:
        """From now on jobs that it has signed are good here."""
        if key_id(public) in self.revoked():
            raise UsageError(f"the key {key_id(public)} was revoked", "Make a new one: a revoked key stays so.")
        path = self._path("trusted", name)
        if path.exists() and read_public(_read(path), name) != public:
            raise UsageError(f"another key is trusted as {name}", "Give this one another name: --as NAME.")
        self._write(path, public_pem(public))

    def revoke(self, public: bytes) -> None:
        """Trusted no more: here at once, on a helper with its next deployment."""
        revoked = sorted({*self.revoked(), key_id(public)})
        self._write(self.folder / "revoked", "".join(f"{one}\n" for one in revoked).encode())
        for path in (self.folder / "trusted").glob(f"*{_SUFFIX}"):
            if read_public(_read(path), path.stem) == public:
                path.unlink()

    def revoked(self) -> set[str]:
        """IDs of keys that were revoked."""
        path = self.folder / "revoked"
        return set(_read(path).decode().split()) if path.exists() else set()

    def trusted(self) -> list[bytes]:
        """The public keys whose jobs are good here."""
        revoked = self.revoked()
        return [key for key in self._in("trusted").values() if key_id(key) not in revoked]

    def only_signed(self) -> bool:
        """Whether unsigned jobs are none here: a key is trusted, or one was revoked. Where the only one is, nothing may
        run that could not before: whoever stole it would have what they wanted.
        """
        return bool(self.trusted() or self.revoked())

    def for_jobs(self) -> list[bytes] | None:
        """The keys by which a job has to be signed here; None where it need not be."""
        return self.trusted() if self.only_signed() else None

    def name_of(self, key: str) -> str:
        """What the key of that ID is called here; "" where it is unknown."""
        for kind in ("trusted", "public"):
            for name, public in self._in(kind).items():
                if key_id(public) == key:
                    return name
        return ""

    def all(self) -> list[KnownKey]:
        """Every key that is known, by name."""
        own, trusted, revoked = self._in("public"), self._in("trusted"), self.revoked()
        known = {(name, key_id(key)) for name, key in (*own.items(), *trusted.items())}
        trusted_ids = {key_id(key) for key in self.trusted()}
        own_ids = {key_id(key) for key in own.values()}
        named = {one for _name, one in known}
        return [
            KnownKey(name, one, one in own_ids, one in trusted_ids, one in revoked)
            for name, one in sorted(known) + [("", one) for one in sorted(revoked - named)]
        ]

    def know_helper(self, helper_id: str, public: bytes) -> None:
        """From now on its records are its own only with its signature."""
        if not helper_id.isalnum() or helper_id != helper_id.lower():
            raise UsageError(f"{helper_id} is no helper's number", "`bmsrescue info` shows it as helper_id.")
        path = self._path("helpers", helper_id)
        if path.exists() and read_public(_read(path), helper_id) != public:
            raise UsageError(
                f"another key is known of the helper {helper_id}",
                f"Where it was given a new one, look who did, and remove {path} first.",
            )
        self._write(path, public_pem(public))

    def helpers(self) -> dict[str, bytes]:
        """The public key of each helper that is known to have one, by helper_id."""
        return self._in("helpers")

    def _in(self, kind: str) -> dict[str, bytes]:
        return {
            path.stem: read_public(_read(path), path.stem) for path in sorted((self.folder / kind).glob(f"*{_SUFFIX}"))
        }

    def _path(self, kind: str, name: str) -> Path:
        if not _is_name(name):
            raise UsageError(f"{name} is no name of a key", f"Use up to {_LONGEST} letters, digits, dots and dashes.")
        return self.folder / kind / f"{name}{_SUFFIX}"

    def _write(self, path: Path, data: bytes) -> None:
        private_data_folder(self.folder.parent)
        try:
            for folder in (self.folder, path.parent):
                folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
                folder.chmod(FOLDER_MODE)
        except OSError as error:
            raise HostError(f"cannot make {path.parent}: {error.strerror}", "Check the data folder.") from error
        write_atomically(path, data, private=True)


def trust_text(keys: Iterable[bytes]) -> bytes:
    """A helper's file of the keys whose jobs it runs: a public one a line, as 128 hex digits."""
    return "".join(f"{key.hex()}\n" for key in keys).encode()


def _is_name(name: str) -> bool:
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return plain.isascii() and plain.isalnum() and len(name) <= _LONGEST and not name.startswith((".", "-"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "Check its permissions.") from error
