# What firmware it seems to be, where there is no image to compare it with: what can start, and texts that tell of a
# version, a compiler, a date. Read from the halted core, nothing is changed.

import binascii

from micropython import const

from rescue.engine.common import files, guarded

_MOST = const(8)
_STEP = const(1984)  # of the 2 KiB that are read; what is left over is a text's longest
_LONGEST = const(64)
_SHORTEST = const(5)
_NOTE = b"\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00"  # the linker's note of a build id, then its bytes
_ID_BYTES = const(20)
_NAMES = (b"ootloader", b"MCUboot", b"FreeRTOS", b"Zephyr", b"ThreadX", b"ChibiOS", b" 20")


def look(run, used):
    """evidence["firmware"] = {"starts": [{"address", "sp", "pc"}, ..], "texts": [[address, text], ..]}.

    used: for each sector, or run of sectors, where its blank end begins.
    """
    starts, texts = [], []
    run.evidence["firmware"] = {"starts": starts, "texts": texts}
    flash, job = run.chip.flash, run.job
    spans = []
    for sector in run.evidence["sectors"]:
        if sector["state"] in ("blank", guarded.STATE):
            continue
        address = sector["address"]
        end = used[address]
        spans.append((address, end))
        for at in range(address, end, job.sector_bytes):
            if len(starts) < _MOST:
                _note_start(flash, at, starts)
    at = job.boot_address
    if flash.base <= at < flash.base + flash.size and at % job.sector_bytes and len(starts) < _MOST:
        _note_start(flash, at, starts)
    total = sum([end - address for address, end in spans])
    done = 0
    progress = run.progress_in_bytes("read texts")
    for address, end in spans:
        for at in range(address, end, _STEP):
            run.power.check()
            _read_texts(flash, at, min(files.CHUNK, flash.base + flash.size - at), texts)
            progress(min(done + at - address, total), total)
        done += end - address
    progress(total, total)


def _note_start(flash, address, starts):
    found = flash.vectors(address)
    if found["valid"]:
        starts.append({"address": address, "sp": found["sp"], "pc": found["pc"]})


def _read_texts(flash, address, size, texts):
    view = files.view[:size]
    flash.read(address, view)
    data = bytes(view)
    at = data.find(b".")
    while at >= 0 and len(texts) < _MOST:
        # A version has a number in front of its dot and one behind it.
        if at and at + 1 < size and _is_digit(data[at - 1]) and _is_digit(data[at + 1]):
            at = _note_text(data, at, address, texts)
        at = data.find(b".", at + 1)
    for name in _NAMES:
        at = data.find(name)
        if at >= 0 and len(texts) < _MOST:
            _note_text(data, at, address, texts)
    at = data.find(_NOTE)
    if at >= 0:
        at += len(_NOTE)
        number = data[at : at + _ID_BYTES]
        if len(number) == _ID_BYTES:
            _keep(address + at, "build id " + binascii.hexlify(number).decode(), texts)


def _note_text(data, at, address, texts):
    # The whole text around `at`: nothing printable in front of it, a zero or erased flash behind it. Where it ends.
    low = high = at
    while low and at - low < _LONGEST and 0x20 <= data[low - 1] < 0x7F:
        low -= 1
    while high < len(data) and high - at < _LONGEST and 0x20 <= data[high] < 0x7F:
        high += 1
    ends = high < len(data) and data[high] in (0, 0xFF) and (low or address % _STEP == 0)
    if ends and _SHORTEST <= high - low <= _LONGEST and _tells(data[low:high]):
        _keep(address + low, data[low:high].decode(), texts)
    return high


def _tells(text):
    # Formats of printf are no versions.
    if b"%" in text:
        return False
    return text.count(b".") > 1 or any(name in text for name in _NAMES)


def _keep(address, text, texts):
    if len(texts) < _MOST and not [1 for _, known in texts if known == text]:
        texts.append([address, text])


def _is_digit(byte):
    return 0x30 <= byte <= 0x39
