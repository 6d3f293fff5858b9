# The memory card: a FAT file system on a block device, the port's own SDCard where it has one, else the SPI driver
# `sdcard` of micropython-lib (mpremote mip install sdcard).

import os

import machine

from rescuelink.errors import CardError

_NEXT_STEP = "put in a card with a job, or try another card"


class Card:
    """config: {"spi", "sck", "mosi", "miso", "cs", "hz"}."""

    root = "/sd"

    def __init__(self, config):
        self._config = config
        self._mounted = False

    def mount(self):
        if self._mounted:
            return
        try:
            os.mount(os.VfsFat(self._block_device()), self.root)
        except OSError as error:
            raise CardError("unreadable", "no readable card (%s)" % error, next_step=_NEXT_STEP) from None
        self._mounted = True

    def unmount(self):
        if not self._mounted:
            return
        self._mounted = False
        try:
            os.umount(self.root)
        except OSError:
            pass  # the card was pulled: nothing more can be saved on it

    def free_bytes(self):
        try:
            status = os.statvfs(self.root)
        except OSError as error:
            raise CardError("unreadable", "the card no longer answers (%s)" % error, next_step=_NEXT_STEP) from None
        return status[0] * status[3]

    def _block_device(self):
        config = self._config
        if hasattr(machine, "SDCard"):
            return machine.SDCard()
        try:
            from sdcard import SDCard
        except ImportError:
            advice = "install the package sdcard on the helper"
            raise CardError("no_driver", "this helper has no SD card driver", next_step=advice) from None
        spi = machine.SPI(
            config["spi"],
            sck=machine.Pin(config["sck"]),
            mosi=machine.Pin(config["mosi"]),
            miso=machine.Pin(config["miso"]),
        )
        return SDCard(spi, machine.Pin(config["cs"], machine.Pin.OUT, value=1), baudrate=config["hz"])
