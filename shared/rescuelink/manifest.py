"""manifest.txt beside job.json: what an engineer released, file by file with its SHA-256, and the signature of it.

    bmsrescue-manifest/1
    series BR16S
    release 7
    file 6a4e.. job.json
    file 9c01.. bms-1.2.0.bin
    key 5f0d9a1c22b7e344
    signature 30a1..

Lines in this order and in no other form, each with its newline: one text has one meaning. With `helper ID` after the
release it is an engineer's exception: it runs on that helper only, whatever newer release that one has seen. `key` is
the beginning of the SHA-256 of the public key; `signature` is ECDSA on P-256 over the SHA-256 of all lines before it.
"""

import binascii
import hashlib

from rescuelink.errors import JobError

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "manifest.txt"
FORMAT = "bmsrescue-manifest/1"
MAX_BYTES = 2048
MAX_RELEASE = 0x7FFF_FFFF
_MAX_FILES = 4
_MAX_TEXT = 64
_KEY_DIGITS = 16
_BUILD = "take the card as it was released, or make and sign it anew: bmsrescue card build --sign"
_ASK = "ask the engineer who releases jobs, or deploy the helper with the key: bmsrescue deploy --trust"


class Manifest:
    """series: what the release numbers count. files: {name: SHA-256}. helper: the only one it is for, "" for all.

    key: which key it is signed by. Nothing of it is believed before `verify`.
    """

    def __init__(self, series: str, release: int, files: "dict[str, str]", helper: str, key: str) -> None:
        self.series = series
        self.release = release
        self.files = files
        self.helper = helper
        self.key = key
        self.digest = b""
        self.signature = b""

    def verify(self, trusted: "list[bytes]", tick: "Callable[[], None] | None" = None) -> None:
        """Raises JobError unless one of the public keys `trusted` has signed it. `tick` is called meanwhile."""
        for public in trusted:
            if key_id(public) == self.key:
                break
        else:
            message = "the job is signed by the key %s, which is not trusted here" % self.key
            raise JobError("untrusted", message, next_step=_ASK)
        from rescuelink.p256 import verify  # its numbers only for this moment

        if not verify(public, self.digest, self.signature, tick):
            raise JobError("forged", "the signature in " + NAME + " is not that of what it says", next_step=_BUILD)

    def check_file(self, name: str, sha256: str) -> None:
        """Raises JobError unless `name` is in it with this SHA-256."""
        if self.files.get(name) != sha256:
            raise JobError("forged", name + " is not the one that " + NAME + " names", next_step=_BUILD)

    def check_helper(self, helper: str, newest: int) -> None:
        """Raises JobError where it is for another helper, or older than `newest`, which this one has seen."""
        if self.helper:
            if self.helper != helper:
                message = "the job is an exception for the helper " + self.helper
                raise JobError("other_helper", message, next_step=_ASK)
        elif self.release < newest:
            message = "the job is release %d of %s, and release %d has been here" % (self.release, self.series, newest)
            next_step = "take the newer card, or ask the engineer for an exception for this helper"
            raise JobError("rolled_back", message, next_step=next_step)


def key_id(public: bytes) -> str:
    """What a public key is called: the first 16 digits of its SHA-256."""
    return _hex(hashlib.sha256(public).digest())[:_KEY_DIGITS]


def signed_text(series: str, release: int, files: "dict[str, str]", helper: str, key: str) -> str:
    """What is signed: every line but the last."""
    lines = [FORMAT, "series " + series, "release %d" % release]
    if helper:
        lines.append("helper " + helper)
    lines += ["file %s %s" % (files[name], name) for name in files]
    return "\n".join(lines) + "\nkey " + key + "\n"


def unsigned() -> JobError:
    """The error of a helper that runs signed jobs only, for a card without a manifest."""
    return JobError("unsigned", "the job is not signed, and this helper runs none but signed ones", next_step=_BUILD)


def read_manifest(data: bytes) -> Manifest:
    """Raises JobError where it is anything but what `signed_text` makes, and a signature."""
    if len(data) > MAX_BYTES:
        raise _wrong("it is longer than any")
    for byte in data:
        if byte != 0x0A and not 0x20 <= byte < 0x7F:
            raise _wrong("signs that it never has")
    lines = str(data, "utf-8").split("\n")
    if len(lines) < 7 or lines.pop() or lines[0] != FORMAT:
        raise _wrong("it has no such beginning and end")
    signature = _word(lines.pop(), "signature ")
    key = _word(lines.pop(), "key ")
    series, number = _word(lines[1], "series "), _word(lines[2], "release ")
    at = 3
    helper = ""
    if lines[at].startswith("helper "):
        helper = _word(lines[at], "helper ")
        at += 1
    files: dict[str, str] = {}
    for line in lines[at:]:
        name = _word(line, "file ")
        digest, between, name = name[:64], name[64:65], name[65:]
        if between != " " or not name or not _is_hex(digest, 64) or name in files or len(files) >= _MAX_FILES:
            raise _wrong("a line of a file")
        files[name] = digest
    if not _is_hex(key, _KEY_DIGITS) or not _is_hex(signature, 128):
        raise _wrong("key or signature")
    if not number or len(number) > 10 or [char for char in number if char not in "0123456789"]:
        raise _wrong("the release's number")
    release = int(number)
    if not 0 < release <= MAX_RELEASE or number != str(release):
        raise _wrong("the release's number")
    if len(series) > _MAX_TEXT or len(helper) > _MAX_TEXT:
        raise _wrong("a name")
    found = Manifest(series, release, files, helper, key)
    found.digest = hashlib.sha256(data[: len(data) - len("signature ") - 129]).digest()
    found.signature = binascii.unhexlify(signature)
    return found


def _word(line: str, before: str) -> str:
    # What follows on a line that begins so.
    if not line.startswith(before) or len(line) == len(before):
        raise _wrong("no " + before[:-1])
    return line[len(before) :]


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and not [char for char in text if char not in "0123456789abcdef"]


def _wrong(what: str) -> JobError:
    return JobError("manifest", NAME + " is damaged: " + what, next_step=_BUILD)


def _hex(data: bytes) -> str:
    return binascii.hexlify(data).decode()
