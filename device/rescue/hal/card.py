# The memory card: a FAT file system on a block device, our SPI driver or the port's own SDCard, as board.json has it.

import os
import sys

import machine

from rescuelink.errors import CardError

_ENODEV = 19  # what our driver says where nobody answers at all
_NEXT_STEP = "put in a card with a job, or try another card"


def no_slot():
    """The error of a helper that has no card."""
    return CardError("no_card", "this helper has no card slot", next_step="keep job and records on the computer")


class Card:
    """config: {"spi", "sck", "mosi", "miso", "cs", "hz"}, or {"sdcard": {..} or null} for the port's own driver; None
    on a helper without a slot."""

    root = "/sd"

    def __init__(self, config):
        self._config = config
        self._mounted = False
        self._device = None
        self._blocks = None

    def mount(self):
        if self._mounted:
            return
        if not self._config:
            raise no_slot()
        from rescuelink.volume import find_volume  # for this moment

        try:
            device = self._block_device()
            find_volume(device)
            os.mount(os.VfsFat(device), self.root)
            self._device = device
        except OSError as error:
            if error.errno == _ENODEV:
                raise CardError("no_card", "there is no card in the slot", next_step=_NEXT_STEP) from None
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
        if hasattr(self._device, "retire"):
            self._device.retire()
        self._device = None

    def look(self):
        if not self._config or "spi" not in self._config:
            return None
        try:
            if self._device is None:
                self._device = self._block_device()
            return self._device.identity()
        except OSError:
            if not self._mounted:
                self._device = None  # another card needs a driver of its own
            return None

    def free_bytes(self, feed=None):
        # Where the card does not say how much is free, every entry of its table is read: 20 s on one of 64 GB.
        slow = hasattr(self._device, "on_read")  # a driver of a port itself is fast
        if slow:
            self._device.on_read = feed
        try:
            status = os.statvfs(self.root)
        except OSError as error:
            raise CardError("unreadable", "the card no longer answers (%s)" % error, next_step=_NEXT_STEP) from None
        finally:
            if slow:
                self._device.on_read = None
        return status[0] * status[3]

    def _block_device(self):
        config = self._config
        if "spi" not in config:
            # The port's own driver, with the arguments that it wants (an ESP32's slot); None on a pyboard.
            arguments = config.get("sdcard")
            if arguments is not None:
                return machine.SDCard(**arguments)
            return __import__("pyb").SDCard()
        from rescue.hal.sd_spi import SdCard

        pin = machine.Pin
        spi = machine.SPI(
            config["spi"],
            sck=pin(config["sck"]),
            mosi=pin(config["mosi"]),
            miso=pin(config["miso"], pin.IN, pin.PULL_UP),
        )
        if self._blocks is None:
            if sys.platform == "rp2":
                from rescue.hal.sd_dma import BlocksByDma

                self._blocks = BlocksByDma(config["spi"])
            else:
                from rescue.hal.sd_blocks import BlocksBySpi

                self._blocks = BlocksBySpi(spi)
        return SdCard(spi, pin(config["cs"], pin.OUT, value=1), config["hz"], self._blocks)
