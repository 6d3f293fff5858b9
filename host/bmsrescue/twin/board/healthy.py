"""A unit as it leaves the factory: firmware 1.2.0, its own calibration, serial and chip identity."""

from dataclasses import replace
from random import Random

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.stm32h7 import Stm32H7

from ..clock import VirtualClock
from ..firmware import PINS, calibration_block
from ..firmware.builds import firmware_of
from .pins import UnitPins
from .unit import Unit

_PINS = UnitPins(
    latch=PINS["latch"],
    button=PINS["button"],
    display_uart=PINS["display_uart"],
    leds={"run": (PINS["led_run"], True), "fault": (PINS["led_fault"], True)},
)


def serial_number(seed: int) -> str:
    """The serial of the unit with this seed."""
    return f"BR16S-{24_000_000 + seed % 1_000_000:08d}"


def healthy_unit(seed: int = 0, config: ChipConfig | None = None, clock: VirtualClock | None = None) -> Unit:
    """A healthy, unpowered unit; `seed` gives serial, chip identity and calibration. Its clock is its own unless given.

    Its flash is blank where no firmware was built for its part.
    """
    config = replace(ChipConfig() if config is None else config, unique_id=_unique_id(seed))
    clock = clock or VirtualClock()
    chip = Stm32H7(clock, seed, config)
    build = firmware_of(chip)
    if build is not None:
        for segment in build.segments():
            chip.flash.load(segment.address, segment.data)
        chip.flash.load(build.calibration_address, calibration_block(serial_number(seed), seed))
    return Unit(clock, chip, _PINS, seed)


def _unique_id(seed: int) -> tuple[int, int, int]:
    """96 bits as ST lays them out: wafer coordinates, wafer number with lot characters, lot characters."""
    rng = Random(f"uid {seed}")
    lot = bytes(rng.choice(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(7))
    coordinates = rng.randrange(0x100) << 16 | rng.randrange(0x100)
    wafer = rng.randrange(1, 26)
    return coordinates, int.from_bytes(lot[:3], "big") << 8 | wafer, int.from_bytes(lot[3:], "big")
