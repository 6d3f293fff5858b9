"""A job once it has been checked (`rescuelink.job.validate`): plain data, kept apart from the checking.

On the helper the validator's code is dropped when its work is done; these objects stay.
"""

from rescuelink.errors import JobError


class Window:
    """One rail's window in mV: good in [low, high], dangerous above `danger`."""

    def __init__(self, low_mv: int, high_mv: int, danger_mv: int) -> None:
        self.low_mv = low_mv
        self.high_mv = high_mv
        self.danger_mv = danger_mv


class Limits:
    """All limits, complete: defaults overlaid with the job's own."""

    supply_ma: int
    trip_ma: int
    swd_hz: int
    inrush_ms: int
    short_ms: int
    rise_ms: int
    quiet_ms: int
    discharged_mv: int
    discharge_ms: int
    hold_off_ms: int
    energise_ms: int
    cycles_per_minute: int
    nrst_window_ms: int
    watch_s: int

    def __init__(
        self, numbers: dict[str, int], rails: dict[str, Window], roles: dict[str, str], unnamed: dict[str, int]
    ) -> None:
        self.rails = rails
        self.roles = roles  # role -> the unit's rail that has it
        self.unnamed = unnamed  # rail that the job leaves out -> its absolute maximum in mV, where a helper has one
        for name, number in numbers.items():  # each of the above; the helper's heap is too small for a line each
            setattr(self, name, number)

    def role_of(self, rail: str) -> str:
        """ "input", "between", "logic", "core" or "other"."""
        for role in self.roles:
            if self.roles[role] == rail:
                return role
        return "other"

    def danger_mv(self, rail: str) -> "int | None":
        """Above which power is cut at once; None for a rail that neither job nor helper knows."""
        return self.rails[rail].danger_mv if rail in self.rails else self.unnamed.get(rail)


class Segment:
    """`length` bytes of the image file from `offset`, for `address`; the last flash word is padded with 0xFF."""

    def __init__(self, address: int, length: int, offset: int, sha256: str) -> None:
        self.address = address
        self.length = length
        self.offset = offset
        self.sha256 = sha256

    def end(self, word_bytes: int) -> int:
        """First address after the last flash word it fills."""
        return self.address + (self.length + word_bytes - 1) // word_bytes * word_bytes


class Region:
    """A named part of the flash that must survive."""

    def __init__(self, name: str, address: int, length: int) -> None:
        self.name = name
        self.address = address
        self.length = length


class Image:
    """`version_address`: where the unit's firmware holds its version as text, 0 when the job does not say."""

    def __init__(self, file: str, version: str, sha256: str, segments: list[Segment], version_address: int = 0) -> None:
        self.version_address = version_address
        self.file = file
        self.version = version
        self.sha256 = sha256
        self.segments = segments

    def length(self) -> int:
        """Bytes of the image file that the segments need."""
        return max(segment.offset + segment.length for segment in self.segments)


class Proof:
    """How the unit shows that it runs: in `window_ms`, within `timeout_ms`, at `min_clock_hz` or more when given.

    `mailbox`: (address, mask, value) of a word in RAM, value None where it must change within the window.
    `pin`: (name, level), level None where it must change.
    """

    def __init__(
        self,
        rule: str,
        window_ms: int,
        min_clock_hz: int,
        timeout_ms: int,
        mailbox: tuple[int, int, int | None] | None = None,
        pin: tuple[str, bool | None] | None = None,
    ) -> None:
        self.mailbox = mailbox
        self.pin = pin
        self.rule = rule
        self.window_ms = window_ms
        self.min_clock_hz = min_clock_hz
        self.timeout_ms = timeout_ms


class Job:
    """A validated job. `boot_address` is where the chip starts: the vector table of the image lies there."""

    name: str
    chip: str
    dev_id: int
    flash_kib: int
    sector_bytes: int
    word_bytes: int
    boot_address: int
    image: Image
    mode: str
    preserve: list[Region]
    consent: list[str]
    limits: Limits
    proof: Proof
    latch: tuple[str, bool] | None  # the pin that lets the power latch fall, and the level at which it does
    options: list[list[object]]  # golden option bytes: [register, value, mask]
    bootloader: tuple[int, int, int, int] | None  # its address, length, flag's address (0: none), what makes it wait
    ask: list[str]  # words of consent that a person may give, at the dongle or at the host
    markers: list[tuple[int, int, str, str]]  # the unit's product: (address, length, text or "", SHA-256 or "")
    board_latch: str  # "self-holding", "button-or-firmware", "" where the job does not say
    check_config: bool  # there and true where, whatever is cured, its configuration must be checked by a person
    uid: str  # there where the job is for one chip and no other
    digest: bytes  # SHA-256 of job.json, where a helper has read it

    def __init__(self, **facts: object) -> None:
        for name, fact in facts.items():  # each of the above; the helper's heap is too small for a line each
            setattr(self, name, fact)

    def boot_segment(self) -> Segment:
        """The segment that holds the vector table (the validator has made sure that there is one)."""
        for segment in self.image.segments:
            if segment.address <= self.boot_address < segment.address + segment.length:
                return segment
        raise JobError("job", "no segment holds the boot address")

    def owns(self, address: int, length: int) -> bool:
        """Whether any byte in [address, address + length) belongs to the image."""
        for segment in self.image.segments:
            if segment.address < address + length and address < segment.end(self.word_bytes):
                return True
        return False
