"""Cards with jobs as people write them, right and wrong, from seeds: for tests that ask two readers one question."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import struct
from collections.abc import Callable
from typing import Any

from rescuelink.job import MAX_REGIONS, MAX_SEGMENTS
from rescuelink.job_text import MAX_JOB_BYTES

FLASH = 0x0800_0000
SECTOR = 0x2_0000
Document = dict[str, Any]
Files = dict[str, bytes]

_VERSION_AT = 0x600
_MARKER_AT = 0x640
_MARKER = b"PACE-P16S100A\0"


def firmware(base: int = FLASH, size: int = 4096) -> bytes:
    """A vector table, code at +0x400, a handler at +0x500, a version and a product's name."""
    data = bytearray(b"\xa5" * size)
    data[:664] = struct.pack("<166I", 0x2002_0000, base + 0x401, *[base + 0x501] * 164)
    data[0x400:0x406] = b"\x00\x20\x40\x1c\xfd\xe7"
    data[0x500:0x502] = b"\xfe\xe7"
    data[_VERSION_AT : _VERSION_AT + 6] = b"1.2.0\0"
    data[_MARKER_AT : _MARKER_AT + len(_MARKER)] = _MARKER
    return bytes(data)


def job_for(data: bytes, file: str = "bms.bin", base: int = FLASH, cuts: int = 1) -> Document:
    """A job for `data` at `base`, in `cuts` segments."""
    part = -(-len(data) // cuts // 32) * 32
    segments = [
        {
            "address": f"0x{base + at:08x}",
            "length": len(data[at : at + part]),
            "offset": at,
            "sha256": hashlib.sha256(data[at : at + part]).hexdigest(),
        }
        for at in range(0, len(data), part)
    ]
    return {
        "format": "bmsrescue-job/1",
        "name": "pack",
        "target": {"chip": "STM32H725", "dev_id": "0x483", "flash_kib": 1024},
        "image": {
            "file": file,
            "version": "1.2.0",
            "sha256": hashlib.sha256(data).hexdigest(),
            "segments": segments,
        },
    }


# Every key that a job may have, with values that are right.
_RIGHT: dict[str, tuple[Any, ...]] = {
    "name": ("a", "x" * 64, "ger\u00e4t \u7535\u6c60 \U0001f50b", "[/red] pack", "100 % {x} \\ 'quoted'"),
    "target.chip": ("STM32H725", "STM32H723", "STM32H735"),
    "target.boot_address": ("0x08000000", FLASH, "134217728", "0X08000000"),
    "target.marker": (
        {"address": FLASH + _MARKER_AT, "text": "PACE-P16S100A"},
        [{"address": FLASH + _MARKER_AT, "text": "PACE-P16S100A"}] * 16,
        {"address": FLASH + _MARKER_AT, "length": 14, "sha256": hashlib.sha256(_MARKER).hexdigest().upper()},
        {"address": "0x080FFF00", "text": "elsewhere"},
    ),
    "image.version": ("", "1.2.0-rc1", "v\u00b2"),
    "image.version_address": ("0x08000600", FLASH + _VERSION_AT, FLASH),
    "policy.mode": ("repair", "rewrite"),
    "policy.check_config": (True, False),
    "policy.preserve": (
        [],
        [{"name": "calibration", "address": "0x080E0000", "length": 4096, "why": "shunt gains"}],
        [{"name": f"r{n}", "address": FLASH + 0xE_0000 + 32 * n, "length": 32} for n in range(MAX_REGIONS)],
    ),
    "policy.consent": (
        [],
        ["sector:7", "sector:0"],
        ["newer-firmware", "older-firmware", "unknown-application", "option-bytes", "wrp", "put-back"],
        ["wrp"] * 32,
    ),
    "policy.ask": ([], ["rdp-regression", "update-flag"]),
    "limits": ({}, {"supply_ma": 100}, {"supply_ma": 300, "trip_ma": 300}, {"watch_s": 120, "swd_hz": 10_000}),
    "limits.rails": (
        {},
        {"bplus": {"high_mv": 55_000}},
        {"v3v3": {"low_mv": 3200, "high_mv": 3400, "danger_mv": 3600}},
    ),
    "proof": ({}, {"rule": "core-running", "window_ms": 100, "min_clock_hz": 300_000_000, "timeout_ms": 5000}),
    "proof.rule": ("core-running",),
    "proof.min_clock_hz": (0, 550_000_000, "0x1DCD6500"),
    "board": ({}, {"latch": "self-holding"}, {"latch": "button-or-firmware"}),
    "latch": ({"pin": "PB5", "off": "low"}, {"pin": "PH15", "off": "high"}),
    "options": ({}, {"optsr": {"value": "0x1000AAF0", "mask": "0x000000C0"}}, {"boot": {"value": "0x1FF00800"}}),
    "bootloader": (
        {"address": "0x080C0000", "length": "0x20000"},
        {"address": "0x080C0000", "length": "0x20000", "flag": {"address": "0x080A0000", "set": "0xB007F1A6"}},
    ),
}
# And values of which some hands are sure to think, at the wrong place or just over a limit.
_WRONG: dict[str, tuple[Any, ...]] = {
    "format": ("bmsrescue-job/2", "BMSRESCUE-JOB/1", 1),
    "name": ("", "x" * 65, "a\nb", "\x1b[31mred", "\u00e4" * 65, "\x7f", "\u0085"),
    "target": ([], None, "STM32H725"),
    "target.chip": ("H725", "stm32h725", "STM32F407", "STM32H743", "STM32H7A3", "\u017fTM32H725"),
    "target.dev_id": (0x450, "0x413", "483", 0x1000, "0x0483 "),
    "target.flash_kib": (1000, 2048, 512, 128, "1 MiB", 1024.0, 0, -1),
    "target.boot_address": ("0x08020000", "0x08000004", "0x08000080", "0x24000000", "8000000h", "0x080FFFC0"),
    "target.marker": (
        [],
        {"address": FLASH + _MARKER_AT, "text": "PACE-P16S100B"},
        {"address": FLASH + _MARKER_AT, "text": "abc"},
        {"address": FLASH + _MARKER_AT, "text": "ger\u00e4t-16"},
        {"address": "0x080FFFFC", "text": "elsewhere"},
        {"address": FLASH, "length": 8, "sha256": "00" * 32},
        {"address": FLASH, "length": 4096, "sha256": "00" * 32},
        [{"address": FLASH + _MARKER_AT, "text": "PACE-P16S100A"}] * 17,
        "PACE-P16S100A",
    ),
    "image": (None, [], {"file": "bms.bin"}),
    "image.file": (
        "",
        "other.bin",
        "sub/bms.bin",
        "..\\bms.bin",
        ".bms.bin",
        "bms.bin ",
        "bms.bin.",
        " bms.bin",
        "bms:1.bin",
        "what?.bin",
        "ger\u00e4t.bin",
        "bms\u00b2.bin",
        "b" * 252 + ".bin",
        "records",
        "job.json",
        "con\x01.bin",
    ),
    "image.sha256": ("", "00" * 32, "g" * 64, "ab" * 31, "\u212a" * 64, 7),
    "image.segments": ([], None, {}, [1], [[]], [{}]),
    "image.version": (1.2, None, "1.2\t0"),
    "image.version_address": ("0x08000601", "0x24000000", "0x080FFFFC"),
    "policy": ([], "repair"),
    "policy.mode": ("REPAIR", "", None, "erase", "learn"),
    "policy.check_config": (1, "true", None),
    "policy.preserve": (
        {},
        [{"name": "vectors", "address": "0x08000000", "length": 32}],
        [{"name": "ger\u00e4t \"x\" 'y'", "address": "0x08000020", "length": 32}],
        [{"name": "out", "address": "0x080FFFE0", "length": 64}],
        [{"name": f"r{n}", "address": FLASH + 0xE_0000 + 32 * n, "length": 32} for n in range(MAX_REGIONS + 1)],
        [{"name": f"r{n}", "address": FLASH + 0xE_0000 + 32 * n, "length": 32} for n in range(40)],
        [{"name": "x", "address": "0x080E0000", "length": 32, "whi": "", "zzz": 1, "abc": 2, "Why": 3}],
    ),
    "policy.consent": (
        "wrp",
        ["sector:07"],
        ["sector:8"],
        ["sector:"],
        ["sector:-1"],
        ["sector:\u00b2"],
        ["sector:\u0663"],
        ["sector:" + "7" * 5000],
        ["Sector:7"],
        ["everything"],
        ["rdp_regression"],
        [7],
        [None],
        ["wrp"] * 33,
    ),
    "policy.ask": (["sector:9"], {"wrp": True}),
    "limits": (
        {"supply_ma": 300, "trip_ma": 150},
        {"trip_ma": 100},
        {"swd_hz": 4000},
        {"swd_hz": "4 MHz"},
        {"supply_ma": 0.15},
        {"supply_ma": True},
        {"watch_s": 121},
        {"zz": 1, "aa": 2, "mm": 3, "supply": 4},
        {"rise_ms": 10**19},
        {"rise_ms": 10**25},
        {"rise_ms": -(10**18)},
        {"rise_ms": "1" * 5000},
        {"rise_ms": "0x" + "f" * 500},
        {"rise_ms": "1_000"},
        {"rise_ms": "\u0661\u0660\u0660"},
        {"rise_ms": " 100"},
    ),
    "limits.rails": (
        {"bplus": {"danger_mv": 60_001}},
        {"vcap": {"danger_mv": 1_501}},
        {"v3v3": {"low_mv": 3465, "high_mv": 3135}},
        {"v24": {}},
        {"v12": None},
        {"v12": {"low": 11_000}},
    ),
    "proof": (
        {"rule": "mailbox"},
        {"rule": "mailbox", "mailbox": {"address": "0x2001FFE6"}},
        {"rule": "mailbox", "mailbox": {"address": "0x50000000"}},
        {"rule": "pin", "pin": {"pin": "pe2", "level": "high"}},
        {"rule": "pin", "pin": {"pin": "PA13", "level": "high"}},
        {"rule": "pin", "pin": {"pin": "PB16", "level": "high"}},
        {"rule": "pin", "pin": {"pin": "PB05", "level": "high"}},
        {"rule": "pin", "pin": {"pin": "PB\u00b2", "level": "high"}},
        {"rule": "pin", "pin": {"pin": "PB" + "1" * 5000, "level": "low"}},
        {"rule": "pin", "pin": {"pin": "PE2", "level": "Toggles"}},
        {"mailbox": {"address": "0x20000000"}},
        {"window_ms": 5},
    ),
    "proof.min_clock_hz": (550, 550_000, 31_999, 900_000_000, "550 MHz", 5.5e8),
    "board": ({"latch": "push"}, {"x": 1}),
    "latch": ({"pin": "PB5"}, {"pin": "P5", "off": "low"}, None, {"pin": "PI5", "off": "low"}),
    "options": (
        {"optsr": {"value": 0, "mask": "0xFFFFFFFF"}},
        {"optsr": {"value": 0, "mask": 0}},
        {"optcr": {"value": 0}},
        {"optsr": 7},
    ),
    "bootloader": (
        {"address": "0x08000000", "length": "0x20000"},
        {"address": "0x08000000", "length": "0x20000", "flag": {"address": "0x080A0000", "set": 1}},
        {"address": "0x080C0000", "length": "0x20000", "flag": {"address": "0x080C0000", "set": 1}},
        {"address": "0x080C0000", "length": "0x20000", "flag": {"address": "0x080A0002", "set": 1}},
        {"address": "0x080C0000", "length": "0x20000", "flag": {"address": "0x08000010", "set": 1}},
        {"address": "0x080C0000", "length": "0x20000", "flag": {"address": "0x080A0000", "set": "0xFFFFFFFF"}},
        {"address": "0x080C0000", "length": 0},
        {},
    ),
}
_ANY = (None, True, 0, -1, 1.5, "", "x", [], {}, [[]], "0x", "0xg", 2**64 - 1, "\u00e4", [None] * 50)


def _put(document: Document, path: str, value: Any) -> None:
    keys = path.split(".")
    here: Any = document
    for key in keys[:-1]:
        if not isinstance(here.get(key), dict):
            here[key] = {}
        here = here[key]
    here[keys[-1]] = copy.deepcopy(value)


def _take(document: Document, path: str) -> None:
    keys = path.split(".")
    here: Any = document
    for key in keys[:-1]:
        here = here.get(key)
        if not isinstance(here, dict):
            return
    here.pop(keys[-1], None)


def _right(document: Document, dice: random.Random) -> None:
    path = dice.choice(list(_RIGHT))
    _put(document, path, dice.choice(_RIGHT[path]))


def _wrong(document: Document, dice: random.Random) -> None:
    path = dice.choice(list(_WRONG))
    _put(document, path, dice.choice(_WRONG[path]))


def _any_type(document: Document, dice: random.Random) -> None:
    path = dice.choice([*_RIGHT, *_WRONG])
    _put(document, path, dice.choice(_ANY))


def _missing(document: Document, dice: random.Random) -> None:
    _take(document, dice.choice([*_RIGHT, *_WRONG]))


def _unknown(document: Document, dice: random.Random) -> None:
    where = dice.choice(["", "target.", "image.", "policy.", "limits.", "proof.", "board."])
    names = ["surprise", "Name", "zz", "a.b", "", "\u00fc", "\x1b[2J", "y" * 200, "consents", "base", "_"]
    for name in dice.sample(names, dice.randint(1, 4)):
        if "." not in name:
            _put(document, where + name, 1)


def _segment(document: Document, dice: random.Random) -> None:
    segments = document.get("image", {}).get("segments") if isinstance(document.get("image"), dict) else None
    if not isinstance(segments, list) or not segments or not isinstance(segments[0], dict):
        return
    part = dice.choice(segments)
    if not isinstance(part, dict):
        return
    what = dice.choice(["address", "length", "offset", "sha256", "twice", "many", "all"])
    if what == "twice":
        segments.append(copy.deepcopy(part))
    elif what == "many":
        count = dice.choice([MAX_SEGMENTS - 1, MAX_SEGMENTS, MAX_SEGMENTS + 1, 40])
        segments[1:] = [
            {**copy.deepcopy(part), "address": FLASH + 0x1_0000 + 0x1000 * n, "length": 32} for n in range(count - 1)
        ]
    elif what == "all":
        part.update(address=FLASH, length=dice.choice([1 << 20, (1 << 20) + 1, 0, 1]))
    else:
        part[what] = dice.choice(
            [0, 7, 31, 32, 4095, 4096, 4097, "0x08000010", "0x08000020", "0x080FFFE0", "0x90000000", "ab" * 32, None]
        )


_CHANGES: tuple[Callable[[Document, random.Random], None], ...] = (
    _right,
    _right,
    _right,
    _wrong,
    _wrong,
    _any_type,
    _missing,
    _unknown,
    _segment,
)


def changed_document(document: Document, dice: random.Random) -> Document:
    """One to three changes, to what is allowed or is not."""
    changed = copy.deepcopy(document)
    for _ in range(dice.randint(1, 3)):
        dice.choice(_CHANGES)(changed, dice)
    return changed


def _written(document: Document, dice: random.Random) -> bytes:
    """As one editor or the other writes it, and as some damage it."""
    text = json.dumps(document, ensure_ascii=dice.random() < 0.4, indent=dice.choice([None, None, 2, "\t"]))
    how = dice.random()
    if how < 0.7:
        data = text.encode()
        return data.replace(b"\n", b"\r\n") if dice.random() < 0.2 else data
    return dice.choice(_SPOILED)(text, dice)


def _twice(text: str, dice: random.Random) -> bytes:
    key = dice.choice(["name", "policy", "target", "image", "format", "file", "consent"])
    return text.replace(f'"{key}":', f'"{key}": [], "{key}":', 1).encode()


def _bytes_changed(text: str, dice: random.Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data))
        how = dice.randrange(3)
        if how == 0:
            data[at] = dice.randrange(256)
        elif how == 1:
            del data[at : at + dice.randint(1, 20)]
        else:
            data[at:at] = dice.choice(
                [b'"', b"{", b"}", b",", b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"/*"]
            )
        if not data:
            break
    return bytes(data)


def _bad_utf8(text: str, dice: random.Random) -> bytes:
    broken = [
        b"\xe4",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
        b"\xf4\x90\x80\x80",
        b"\xe0\x80\x80",
    ]
    return text.encode().replace(b'"name": "', b'"name": "' + dice.choice(broken), 1)


def _odd_number(text: str, dice: random.Random) -> bytes:
    numbers = [
        "01024",
        "+1024",
        "1024.",
        ".5",
        "1e3",
        "1E+3",
        "-0",
        "0x400",
        "1024f",
        "NaN",
        "Infinity",
        "1" * 21,
        "- 1",
    ]
    return text.replace("1024", dice.choice(numbers), 1).encode()


def _odd_escape(text: str, dice: random.Random) -> bytes:
    escapes = [
        "\\u00e4",
        "\\ud83d\\udd0b",
        "\\ud83d",
        "\\udd0b",
        "\\u12",
        "\\x41",
        "\\/",
        "\\u0000",
        "\\n",
        "\\",
        "\\uD83Dx",
    ]
    return text.replace('"name": "', '"name": "' + dice.choice(escapes), 1).encode()


def _of_size(text: str, dice: random.Random) -> bytes:
    size = dice.choice([MAX_JOB_BYTES - 1, MAX_JOB_BYTES, MAX_JOB_BYTES + 1, 2 * MAX_JOB_BYTES])
    return text.encode().ljust(size, b" ")


def _many_values(text: str, dice: random.Random) -> bytes:
    value = dice.choice(["[]", "{}", "0", '""'])
    return text.replace("{", '{"why": [' + ",".join([value] * dice.choice([350, 450, 4000])) + "],", 1).encode()


_SPOILED: tuple[Callable[[str, random.Random], bytes], ...] = (
    lambda text, _dice: b"\xef\xbb\xbf" + text.encode(),
    lambda text, _dice: text.encode("utf-16"),
    lambda text, _dice: text.encode("utf-16-be"),
    lambda text, _dice: text.encode("latin-1", "replace"),
    lambda text, _dice: text.encode("utf-32"),
    lambda text, dice: text.encode()[: dice.randrange(len(text) + 1)],
    lambda text, dice: text.encode() + dice.choice([b"\n\n", b"\0", b"}", b"{}", b"\x1a", b" // end", b"\xff"]),
    lambda text, _dice: text.replace('"', "'").encode(),
    lambda text, _dice: ("// a job\n" + text).encode(),
    lambda text, _dice: text.replace("}", ",}", 1).encode(),
    lambda text, dice: (dice.choice(["[", "{", '{"a":']) * dice.choice([5, 9, 200])).encode() + text.encode(),
    _twice,
    _twice,
    _bytes_changed,
    _bytes_changed,
    _bytes_changed,
    _bad_utf8,
    _odd_number,
    _odd_escape,
    _of_size,
    _many_values,
)


def _image_changed(data: bytes, dice: random.Random) -> bytes:
    return dice.choice(
        [
            data[: dice.randrange(len(data))],
            data + bytes(dice.randint(1, 600)),
            b"",
            data[:100] + bytes([data[100] ^ 1]) + data[101:],
            bytes(len(data)),
        ]
    )


def _odd_vectors(data: bytes, dice: random.Random) -> bytes:
    stack = dice.choice([0x2002_0000, 0x2405_0000, 0x2405_0004, 0x1000_0000, 0, 0xFFFF_FFFF, 0x2000_0002])
    reset = dice.choice([FLASH + 0x401, FLASH + 0x400, FLASH + 0xE_0001, 0x2400_0001, 0, 0xFFFF_FFFF, FLASH + 0x1FFF])
    return struct.pack("<II", stack, reset) + data[8:]


def card(seed: int) -> Files:
    """The files in the root of one card."""
    dice = random.Random(seed)
    data = firmware(size=dice.choice([4096, 4093, 1700, 8192]))
    if dice.random() < 0.15:
        data = _odd_vectors(data, dice)
    file = dice.choice(
        ["bms.bin"] * 6 + ["BMS.BIN", "bms 1.2 final.bin", "v1.2.0-rc1+7 [x] {y} & ~$.bin", "IMAGE", "a" * 60]
    )
    document = job_for(data, file, cuts=dice.choice([1, 1, 1, 2, 3, 16]))
    for _ in range(dice.choice([0, 1, 1, 1, 2, 2, 3, 5])):
        dice.choice(_CHANGES)(document, dice)
    if dice.random() < 0.15:
        data = _image_changed(data, dice)
    files = {"job.json": _written(document, dice), file: data}
    if dice.random() < 0.15:
        files = {name.upper(): content for name, content in files.items()}
    if dice.random() < 0.1:
        files.pop(dice.choice(list(files)))
    if dice.random() < 0.2:
        files["records/records.jsonl"] = b"{}\n"
        files["notes.txt"] = b"mine"
    return files
