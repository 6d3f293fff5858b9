"""job.json, format `bmsrescue-job/1`: what to bring back, with which image, within which limits.

The same validator serves the card builder on the host and the agent before it touches a wire. An address is a JSON
number or a text such as "0x08000000". Rules: unknown keys, wrong types, overlap, misalignment, data outside the flash
and a segment over a preserved region are refused, each with the path of the key and what to do.
"""

from rescuelink.fields import Fields, bad, is_decimal, quoted
from rescuelink.limits import read_limits
from rescuelink.marker import read_markers
from rescuelink.model import Image, Job, Limits, Proof, Region, Segment
from rescuelink.no_image import job_without_image
from rescuelink.targets import FLASH_BASE, TARGETS

__all__ = (
    "CORE_RUNNING",
    "FORMAT",
    "REPAIR",
    "REWRITE",
    "Image",
    "Job",
    "Limits",
    "Proof",
    "Region",
    "Segment",
    "default_job",
    "validate",
)

FORMAT = "bmsrescue-job/1"
REPAIR = "repair"
REWRITE = "rewrite"
CORE_RUNNING = "core-running"

_LEARN = "learn"  # a good unit is read, as the source for others: there is no image, and nothing is written
_MODES = (REPAIR, REWRITE, _LEARN)
_LATCHES = ("self-holding", "button-or-firmware")
_MAILBOX = "mailbox"
_PIN = "pin"
_RULES = (CORE_RUNNING, _MAILBOX, _PIN)
_MAX_NAME = 64
_UID_DIGITS = 24
MAX_SEGMENTS = 16  # that a helper's memory holds, with the map and the plan beside them
MAX_REGIONS = 16
_MAX_CONSENTS = 32
_SLOWEST_HZ = 32_000  # below it a clock in Hz can only be meant in kHz or MHz
_CONSENT_WORDS = (
    "newer-firmware",
    "older-firmware",
    "unknown-application",
    "option-bytes",
    "wrp",
    "rdp-regression",
    "update-flag",
    "put-back",
)
_CONSENT_SECTOR = "sector:"
_VECTOR_STEP = 0x80  # VTOR has no lower bits (DDI 0403E, B3.2.5)
_FASTEST_HZ = 550_000_000  # of any STM32H7 (DS13313)
_MAX_FILE_NAME = 255  # a long name of FAT
_NOT_IN_NAMES = '/\\:*?"<>|'
# Registers of option bytes, and which of their bits a job may ask for (docs/reference/silicon.md): reserved bits differ
# between good chips. ST_RAM_SIZE belongs to the parts with crypto.
_OPTION_BITS = (("optsr", 0x2306_00DC), ("boot", 0xFFFF_FFFF), ("optsr2", 0x7))
_ST_RAM_SIZE = 0x0018_0000
_CRYPTO = ("STM32H730", "STM32H733", "STM32H735", "STM32H753", "STM32H7B0", "STM32H7B3")
_DEBUG_PINS = ("PA13", "PA14")


def validate(document: object) -> Job:
    """A `Job` from parsed JSON. Raises `JobError` naming the first key that is wrong."""
    fields = Fields(document, "")
    fields.choice("format", (FORMAT,))
    name = fields.text("name")
    if not 0 < len(name) <= _MAX_NAME:
        raise bad("name", "has %d characters" % len(name), "give it 1 to %d characters" % _MAX_NAME)

    policy = fields.object("policy", default_empty=True)
    if policy.choice("mode", _MODES, REPAIR) == _LEARN:
        policy.end()
        return _learning(name, fields)
    target = fields.object("target")
    chip = target.choice("chip", tuple(sorted(TARGETS)))
    facts = TARGETS[chip]
    dev_id = target.number("dev_id", 0, 0xFFF)
    if dev_id != facts.dev_id:
        raise bad("target.dev_id", "is 0x%03x" % dev_id, "%s has 0x%03x" % (chip, facts.dev_id))
    flash_kib = target.number("flash_kib", 1, 4096)
    if flash_kib not in facts.flash_kib:
        raise bad(
            "target.flash_kib",
            "is %d" % flash_kib,
            "%s has %s" % (chip, " or ".join([str(kib) for kib in facts.flash_kib])),
        )
    flash_end = FLASH_BASE + flash_kib * 1024
    boot_address = target.number("boot_address", FLASH_BASE, flash_end - 1, FLASH_BASE)
    if boot_address % _VECTOR_STEP:
        raise bad(
            "target.boot_address",
            "0x%08x is not a multiple of %d" % (boot_address, _VECTOR_STEP),
            "give the address of the vector table",
        )
    markers = read_markers(target, flash_end)
    uid = target.text("uid", "")
    if uid and (len(uid) != _UID_DIGITS or uid.strip("0123456789ABCDEF")):
        raise bad("target.uid", "is no identity of a chip", "give its 24 hex digits in capitals, or leave it out")
    target.end()

    image = _read_image(fields.object("image"), facts.word_bytes, flash_end)
    policy = fields.object("policy", default_empty=True)
    mode = policy.choice("mode", _MODES, REPAIR)
    preserve = [
        _read_region(Fields(item, policy.path("preserve[%d]" % index)), flash_end)
        for index, item in enumerate(policy.array("preserve", MAX_REGIONS, default_empty=True))
    ]
    sectors = flash_kib * 1024 // facts.sector_bytes
    consent = [
        _read_consent(item, policy.path("consent[%d]" % index), sectors)
        for index, item in enumerate(policy.array("consent", _MAX_CONSENTS, default_empty=True))
    ]
    ask = [
        _read_consent(item, policy.path("ask[%d]" % index), sectors)
        for index, item in enumerate(policy.array("ask", _MAX_CONSENTS, default_empty=True))
    ]
    check_config = policy.raw("check_config") if policy.has("check_config") else False
    if not isinstance(check_config, bool):
        raise bad(policy.path("check_config"), "is neither true nor false", "write true, or leave it out")
    policy.end()

    limits, board_latch = _read_board(fields, chip)
    proof = _read_proof(fields.object("proof", default_empty=True), facts.ram)
    latch = _read_latch(fields.object("latch")) if fields.has("latch") else None
    options = _read_options(fields.object("options", default_empty=True), chip, facts.dev_id)
    bootloader = _read_bootloader(fields.object("bootloader"), flash_end) if fields.has("bootloader") else None
    fields.end()

    job = Job(
        name=name,
        chip=chip,
        dev_id=dev_id,
        flash_kib=flash_kib,
        sector_bytes=facts.sector_bytes,
        word_bytes=facts.word_bytes,
        boot_address=boot_address,
        image=image,
        mode=mode,
        preserve=preserve,
        consent=consent,
        limits=limits,
        proof=proof,
        latch=latch,
        options=options,
        bootloader=bootloader,
        ask=ask,
        markers=markers,
        board_latch=board_latch,
    )
    if check_config:
        job.check_config = True
    if uid:
        job.uid = uid
    _check_layout(job, facts.word_bytes)
    return job


def _learning(name: str, fields: Fields) -> Job:
    # Chip and flash are the unit's own to say.
    limits, latch = _read_board(fields, "")
    fields.end()
    return job_without_image(name, limits, _LEARN, latch)


def _read_board(fields: Fields, chip: str) -> tuple[Limits, str]:
    board = fields.object("board", default_empty=True)
    rails = board.object("rails") if board.has("rails") else None
    limits = read_limits(fields.object("limits", default_empty=True), chip, rails)
    latch = board.choice("latch", ("",) + _LATCHES, "")
    board.end()
    return limits, latch


def default_job(
    file: str,
    sha256: str,
    segments: list[dict[str, object]],
    version: str = "",
    name: str = "",
    chip: str = "STM32H725",
    flash_kib: int = 1024,
) -> dict[str, object]:
    """The job for nothing but an image: repair to it, preserve nothing by name, proof by a running core.

    `segments` holds {"address", "length", "offset", "sha256"} per segment. The result is a document for `validate`.
    """
    return {
        "format": FORMAT,
        "name": name or file,
        "target": {"chip": chip, "dev_id": "0x%03x" % TARGETS[chip].dev_id, "flash_kib": flash_kib},
        "image": {"file": file, "version": version, "sha256": sha256, "segments": segments},
        "policy": {"mode": REPAIR, "preserve": [], "consent": []},
        "proof": {"rule": CORE_RUNNING, "window_ms": 100, "timeout_ms": 5000},
    }


def _read_image(fields: Fields, word_bytes: int, flash_end: int) -> Image:
    file = fields.text("file")
    if not _is_file_name(file):
        raise bad(
            "image.file",
            "is " + quoted(file),
            "name a file beside job.json, in ASCII, without signs that FAT does not take",
        )
    version = fields.text("version", "")
    sha256 = fields.sha256("sha256")
    segments = []
    for index, item in enumerate(fields.array("segments", MAX_SEGMENTS)):
        segments.append(_read_segment(Fields(item, fields.path("segments[%d]" % index)), word_bytes, flash_end))
    if not segments:
        raise bad("image.segments", "is empty", "list at least the segment with the vector table")
    version_address = fields.number("version_address", FLASH_BASE, flash_end - 16, 0)
    fields.end()
    if version_address % 4:
        raise bad(fields.path("version_address"), "is not a multiple of 4", "name the first byte of the text")
    return Image(file, version, sha256, segments, version_address)


def _is_file_name(name: str) -> bool:
    # What the card's file system keeps as it is: it drops blanks and dots at the end.
    return (
        0 < len(name) <= _MAX_FILE_NAME
        and name[0] not in ". "
        and name[-1] not in ". "
        and all(" " <= char <= "~" and char not in _NOT_IN_NAMES for char in name)
    )


def _read_segment(fields: Fields, word_bytes: int, flash_end: int) -> Segment:
    address = fields.number("address", 0, 0xFFFF_FFFF)
    length = fields.number("length", 1, 0xFFFF_FFFF)
    offset = fields.number("offset", 0, 0xFFFF_FFFF)
    sha256 = fields.sha256("sha256")
    fields.end()
    if address % word_bytes:
        raise bad(
            fields.path("address"),
            "0x%08x is not a multiple of %d" % (address, word_bytes),
            "start the segment at a flash word; pad it in front",
        )
    if address < FLASH_BASE or address + length > flash_end:
        raise bad(
            fields.path("address"),
            "0x%08x..0x%08x lies outside the flash" % (address, address + length),
            "the flash is 0x%08x..0x%08x" % (FLASH_BASE, flash_end),
        )
    return Segment(address, length, offset, sha256)


def _read_region(fields: Fields, flash_end: int) -> Region:
    name = fields.text("name")
    address = fields.number("address", FLASH_BASE, flash_end - 1)
    length = fields.number("length", 1, flash_end - address)
    fields.text("why", "")
    fields.end()
    return Region(name, address, length)


def _read_consent(item: object, path: str, sectors: int) -> str:
    if not isinstance(item, str):
        raise bad(path, "is not a text", 'write it as "sector:7"')
    if item in _CONSENT_WORDS:
        return item
    number = item[len(_CONSENT_SECTOR) :]
    if item.startswith(_CONSENT_SECTOR) and is_decimal(number) and int(number) < sectors:
        return item
    raise bad(
        path, "is " + quoted(item), 'use one of: "sector:0".."sector:%d", ' % (sectors - 1) + ", ".join(_CONSENT_WORDS)
    )


def _read_proof(fields: Fields, ram: tuple[tuple[int, int], ...]) -> Proof:
    rule = fields.choice("rule", _RULES, CORE_RUNNING)
    window_ms = fields.number("window_ms", 10, 10_000, 100)
    min_clock_hz = fields.number("min_clock_hz", 0, _FASTEST_HZ, 0)
    timeout_ms = fields.number("timeout_ms", 100, 60_000, 5_000)
    if 0 < min_clock_hz < _SLOWEST_HZ:
        raise bad(fields.path("min_clock_hz"), "is %d Hz" % min_clock_hz, "write it in Hz: 550 MHz is 550000000")
    mailbox = _read_mailbox(fields.object(_MAILBOX), ram) if rule == _MAILBOX else None
    pin = _read_proof_pin(fields.object(_PIN)) if rule == _PIN else None
    fields.end()
    return Proof(rule, window_ms, min_clock_hz, timeout_ms, mailbox, pin)


def _read_mailbox(fields: Fields, ram: tuple[tuple[int, int], ...]) -> tuple[int, int, int | None]:
    address = fields.number("address", 0, 0xFFFF_FFFF)
    mask = fields.number("mask", 1, 0xFFFF_FFFF, 0xFFFF_FFFF)
    value = fields.number("value", 0, 0xFFFF_FFFF) if fields.has("value") else None
    fields.end()
    if address % 4 or not any(low <= address < high for low, high in ram):
        raise bad(fields.path("address"), "0x%08x is no word in RAM" % address, "name a word that the firmware writes")
    return address, mask, value


def _read_proof_pin(fields: Fields) -> tuple[str, bool | None]:
    pin = _read_pin_name(fields)
    level = fields.choice("level", ("low", "high", "toggles"))
    fields.end()
    return pin, None if level == "toggles" else level == "high"


def _read_pin_name(fields: Fields) -> str:
    pin = fields.text(_PIN)
    if len(pin) < 3 or pin[0] != "P" or pin[1] not in "ABCDEFGH" or not is_decimal(pin[2:]) or int(pin[2:]) > 15:
        raise bad(fields.path(_PIN), "is " + quoted(pin), 'write it as "PB5"')
    if pin in _DEBUG_PINS:
        raise bad(fields.path(_PIN), "is a pin of the debug port", "name one of the firmware's own")
    return pin


def _read_options(fields: Fields, chip: str, dev_id: int) -> list[list[object]]:
    golden: list[list[object]] = []
    for name, allowed in _OPTION_BITS:
        if name == "optsr" and chip in _CRYPTO:
            allowed |= _ST_RAM_SIZE
        if fields.has(name) and (name != "optsr2" or dev_id == 0x483):  # the other dies have no such word
            entry = fields.object(name)
            value = entry.number("value", 0, 0xFFFF_FFFF)
            mask = entry.number("mask", 1, 0xFFFF_FFFF, allowed)
            entry.end()
            if mask & ~allowed:
                raise bad(
                    entry.path("mask"),
                    "is 0x%08x" % mask,
                    "use at most 0x%08x: RDP and SECURITY stay as they are, and reserved bits differ between good chips"
                    % allowed,
                )
            golden.append([name, value, mask])
    fields.end()
    return golden


def _read_bootloader(fields: Fields, flash_end: int) -> tuple[int, int, int, int]:
    address = fields.number("address", FLASH_BASE, flash_end - 1)
    length = fields.number("length", 1, flash_end - address)
    if not fields.has("flag"):
        fields.end()
        return address, length, 0, 0
    flag = fields.object("flag")
    flag_address = flag.number("address", FLASH_BASE, flash_end - 4)
    wanted = flag.number("set", 0, 0xFFFF_FFFE)
    flag.end()
    fields.end()
    if flag_address % 4 or address <= flag_address < address + length:
        raise bad(flag.path("address"), "0x%08x cannot be a flag" % flag_address, "a word outside the bootloader")
    return address, length, flag_address, wanted


def _read_latch(fields: Fields) -> tuple[str, bool]:
    pin = _read_pin_name(fields)
    off = fields.choice("off", ("low", "high"))
    fields.end()
    return pin, off == "high"


def _check_layout(job: Job, word_bytes: int) -> None:
    segments = sorted(job.image.segments, key=lambda segment: segment.address)
    for index in range(1, len(segments)):
        before, after = segments[index - 1], segments[index]
        if after.address < before.end(word_bytes):
            raise bad(
                "image.segments",
                "0x%08x and 0x%08x overlap" % (before.address, after.address),
                "keep segments apart by whole flash words",
            )
    job.image.segments = segments
    for region in job.preserve:
        for segment in segments:
            if segment.address < region.address + region.length and region.address < segment.end(word_bytes):
                raise bad(
                    "policy.preserve",
                    "segment 0x%08x lies over %s" % (segment.address, quoted(region.name)),
                    "take the region out of the image, or out of preserve",
                )
    if job.bootloader is not None:
        low, high = job.bootloader[0], job.bootloader[0] + job.bootloader[1]
        if any(segment.address < high and low < segment.end(word_bytes) for segment in segments):
            raise bad(
                "bootloader.address",
                "0x%08x..0x%08x lies in the image" % (low, high),
                "name the bootloader's own range, or take it out of the image",
            )
    if job.bootloader is not None and job.bootloader[2] and job.owns(job.bootloader[2], 4):
        raise bad("bootloader.flag", "lies in the image", "name the word that the bootloader looks at")
    if not any(s.address <= job.boot_address and job.boot_address + 8 <= s.address + s.length for s in segments):
        raise bad(
            "image.segments",
            "none holds a vector table at the boot address 0x%08x" % job.boot_address,
            "add the start of the application, or set target.boot_address",
        )
