"""pyOCD with its stm32h723xx target and flash algorithm on the same twin. It has no verify of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from megabyte import FLASH_BYTES, Cost, Meter
from pyocd.core.session import Session
from pyocd.flash.loader import FlashLoader

from bmsrescue.pyocd_probe import probe as probes
from bmsrescue.pyocd_probe.links import TwinLink
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.targets import FLASH_BASE


class PyOcd:
    def __init__(self, session: Session, link: TwinLink) -> None:
        self._session = session
        self._meter = Meter(link.unit)

    def program(self, image: bytes) -> Cost:
        """Erase and program; sectors that hold the image already are left alone."""
        self._meter.lap()
        loader = FlashLoader(self._session, chip_erase="sector")
        loader.add_data(FLASH_BASE, image)
        loader.commit()
        return self._meter.lap()

    def read(self) -> Cost:
        self._meter.lap()
        self._session.target.read_memory_block32(FLASH_BASE, FLASH_BYTES // 4)
        return self._meter.lap()


@contextmanager
def pyocd_on(part: Scenario, swclk_hz: int) -> Iterator[PyOcd]:
    with patch("bmsrescue.twin.scenarios.find", lambda _name: part):
        link = TwinLink(part.name)
    options = {
        "frequency": swclk_hz,
        "hide_programming_progress": True,
        "target_override": "stm32h723xx",
        "connect_mode": "halt",
    }
    with patch.object(probes, "open_link", lambda _unique_id: link):
        session = Session(probes.RescueProbe("bmsrescue:twin:blank"), options=options)
        with session:
            yield PyOcd(session, link)
