"""`bmsrescue keys`: keys that sign jobs and records, and whose signatures are good."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console
from bmsrescue.errors import UsageError
from bmsrescue.keys.pem import needs_passphrase, public_pem
from bmsrescue.keys.signing import manifest_of
from bmsrescue.keys.store import MOST_TRUSTED, KeyStore
from rescuelink.manifest import key_id

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called here.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="A key's name, its number, or a file.")]


TrustOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY", help="A key whose jobs are good: name, number or file; may be repeated."),
]


def new(
    name: NameArgument,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Do not ask for one: it is not encrypted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key to sign jobs with. The secret half stays on this computer, readable by you alone."""
    with telling_errors(as_json):
        secret = "" if no_passphrase else _new_passphrase()
        store = KeyStore()
        public = store.make(name, secret)
        store.keep_public(name, public)
    _tell(as_json, {"name": name, "id": key_id(public)}, f"key {name}, {key_id(public)}: made")


def export(
    name: KeyArgument,
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")],
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a key's public half to a file, for other computers to trust."""
    with telling_errors(as_json):
        public = KeyStore().public(name)
        check_new(out, overwrite)
        write_atomically(out, public_pem(public))
    _tell(as_json, {"id": key_id(public), "file": str(out)}, f"{out}: the public key {key_id(public)}")


def trust(
    key: KeyArgument,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="What to call it here.")] = "",
    helper: Annotated[
        str, typer.Option(metavar="HELPER_ID", help="It is this helper's own: its records are known by it.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """From now on jobs that this key has signed are good here; or records of the helper whose key it is."""
    with telling_errors(as_json):
        store = KeyStore()
        public = store.public(key)
        if helper:
            store.know_helper(helper, public)
        else:
            store.trust(name or Path(key).stem, public)
    whose = f"records of {helper} are known by it" if helper else "its jobs are good here"
    _tell(as_json, {"id": key_id(public), "helper": helper or None}, f"key {key_id(public)}: {whose}")


def revoke(key: KeyArgument, as_json: JsonOption = False) -> None:
    """Never trust this key again: here at once, on each helper with its next `bmsrescue deploy --trust`."""
    with telling_errors(as_json):
        store = KeyStore()
        public = store.public(key)
        store.revoke(public)
    _tell(
        as_json,
        {"id": key_id(public)},
        f"key {key_id(public)}: revoked. Helpers that hold it go on trusting it until `bmsrescue deploy --trust KEY` "
        "gives them others.",
    )


def list_keys(as_json: JsonOption = False) -> None:
    """Every key that is known here."""
    with telling_errors(as_json):
        store = KeyStore()
        keys, helpers = store.all(), store.helpers()
    if as_json:
        print_json(
            {
                "keys": [vars(key) for key in keys],
                "helpers": [{"helper_id": one, "id": key_id(public)} for one, public in helpers.items()],
            }
        )
        return
    for key in keys:
        states = [
            word for word, is_so in (("own", key.own), ("trusted", key.trusted), ("revoked", key.revoked)) if is_so
        ]
        console().print(f"{key.id}  {key.name or '-':20} {', '.join(states)}", markup=False, highlight=False)
    for one, public in helpers.items():
        console().print(f"{key_id(public)}  helper {one}", markup=False, highlight=False)
    if not keys and not helpers:
        console().print("No keys yet. Make one with: bmsrescue keys new NAME.")


def ask_passphrase(store: KeyStore, name: str) -> str:
    """The passphrase of a secret key, where it has one; asked for at the terminal."""
    if not needs_passphrase(store.secret_path(name).read_bytes()):
        return ""
    return str(typer.prompt(f"Passphrase of {name}", hide_input=True, err=True))


def trusted_keys(names: Sequence[str] | None) -> list[bytes]:
    """The public keys of these names; no revoked one. Raises UsageError."""
    store = KeyStore()
    revoked = store.revoked()
    found = [store.public(name) for name in names or ()]
    for name, public in zip(names or (), found, strict=True):
        if key_id(public) in revoked:
            raise UsageError(f"the key {name} was revoked", "Name another: `bmsrescue keys list` shows them.")
    if len(found) > MOST_TRUSTED:
        raise UsageError(f"{len(found)} keys are more than a helper takes", f"Name at most {MOST_TRUSTED}.")
    return found


def signed_by(files: Mapping[str, bytes]) -> str:
    """What a card's manifest says of itself, as part of a sentence."""
    manifest = manifest_of(files)
    if manifest is None:
        return "it is not signed: a helper that trusts keys refuses it (a new one trusts none)"
    name = KeyStore().name_of(manifest.key)
    only = f", an exception for the helper {manifest.helper}" if manifest.helper else ""
    by = f"{name} ({manifest.key})" if name else f"{manifest.key}, a key that is not known here"
    return f"it is release {manifest.release} of {manifest.series}, signed by {by}{only}"


def _new_passphrase() -> str:
    asked = str(typer.prompt("Passphrase (empty for none)", default="", hide_input=True, show_default=False, err=True))
    again = asked and str(typer.prompt("Once more", hide_input=True, err=True))
    if asked != again:
        raise UsageError("these are two passphrases", "Type the same one twice.")
    return asked


def _tell(as_json: bool, said: dict[str, object], sentence: str) -> None:
    if as_json:
        print_json(said)
    else:
        console().print(sentence, markup=False, highlight=False, soft_wrap=True)
