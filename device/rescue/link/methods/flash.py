# flash.*: the target's flash, sector by sector and window by window. Erasing and programming need the words of the
# operator's consent, which name the sectors: "erase sectors 0,1".

from rescue.link.unit import change, connected, known_chip, note
from rescuelink import rpc
from rescuelink.consent import ERASE, PROGRAM, Consent
from rescuelink.errors import ConsentError, LinkError


def info(work):
    """{"chip": identity, "sectors": [[index, address, size], ...], "word_bytes"}"""
    chip = known_chip(work)
    sectors = [list(sector) for sector in chip.flash.sectors()]
    return {"chip": chip.identity(), "sectors": sectors, "word_bytes": chip.chip.word_bytes}


def read(work, address, length):
    """{"data", "torn": addresses of flash words that cannot be read, given as 0xFF}; at most 2048 bytes."""
    _check_window(address, length)
    data = work.window(length)
    torn = known_chip(work).flash.read(address, data)
    return {"data": data, "torn": torn}


def verify(work, address, data):
    """The address of the first byte that is not as in `data`, or cannot be read; nil when the flash holds `data`."""
    _check_window(address, len(data))
    kept = bytes(data)  # the view dies when the link is listened to
    found = work.window(len(kept))
    torn = known_chip(work).flash.read(address, found)
    end = address + len(kept)
    unread = min([max(word, address) for word in torn] + [end])
    for at in range(unread - address):
        if found[at] != kept[at]:
            return address + at
    return unread if unread < end else None


def sha256(work, address, length):
    """32 bytes, by the target's own core; nil when it cannot say. The core is reset and halted. Any length."""
    chip = known_chip(work)
    chip.flash.check_range(address, length)
    return chip.digest.sha256(address, length)


def crc(work, address, length):
    """nil: the host reads then. A CRC cannot tell apart data that carry their own; sha256() can."""
    return None  # noqa: RET501 - it is the answer


def consent(work, words):
    """The operator's consent for this session. It names what may be lost: "erase sectors 0,1"."""
    verb, _, sectors = words.partition(" sectors ")
    try:
        numbers = tuple(int(number) for number in sectors.split(","))
    except ValueError:
        numbers = ()
    if verb != "erase" or not numbers:
        raise ConsentError("words", "consent reads like: erase sectors 0,1")
    work.consent = Consent((ERASE, PROGRAM), "operator:" + words, numbers)
    note(work, "consent", words)
    return work.consent.to_dict()


def begin(work):
    """Reset into halt, freeze the watchdogs, unlock the controller. Before erase and program."""
    chip = known_chip(work)
    connected(work).core.reset_halt()
    chip.freeze_watchdogs()
    chip.flash.unlock()


def erase(work, sector):
    """One sector; about a second. Raises ConsentError, FlashError."""
    change(work, "erase sector %d" % sector, known_chip(work).flash.erase, sector, _consent(work))


def program(work, address, data, erased=False):
    """Whole flash words. Unless `erased`, the range is read first and must be blank."""
    # A copy: the view dies when the link is listened to.
    data = bytes(data)
    work.steady = True
    try:
        known_chip(work).flash.program(address, data, _consent(work), bool(erased))
    finally:
        work.steady = False


def end(work):
    """Lock the controller and take the consent back."""
    work.consent = None
    known_chip(work).flash.lock()


def _consent(work):
    if work.consent is None:
        raise ConsentError("none", "nothing may be erased yet", next_step='call flash.consent("erase sectors ...")')
    return work.consent


def _check_window(address, length):
    if address % 4 or length % 4 or not 0 < length <= rpc.WINDOW_BYTES:
        raise LinkError("bad_params", "whole words, at most %d bytes" % rpc.WINDOW_BYTES)


CALLS = {
    "info": (info, ""),
    "read": (read, "ii"),
    "verify": (verify, "iB"),
    "sha256": (sha256, "ii"),
    "crc": (crc, "ii"),
    "consent": (consent, "s"),
    "begin": (begin, ""),
    "erase": (erase, "i"),
    "program": (program, "iB?b"),
    "end": (end, ""),
}
