# Runs on the Pico in place of the agent: other ways to feed the wire than the pump. What a DMA channel would bring, and
# the same chip through the GPIO registers. Prints one JSON object. The unit is healthy.

import json
import time
from array import array

import micropython
import rp2

from rescue.chips import families
from rescue.debug.connect import UNDER_RESET, connect
from rescue.hal import board, pio_pump
from rescue.hal.swd import SwdWire
from rescue.hal.swd_gpio import GpioBits
from rescue.hal.swd_line import WRITE_REQUESTS

RAM = 0x24010000
TAR = 0x4

found = {}
view = memoryview(bytearray(1024))


def timed(name, do):
    start = time.ticks_us()
    do()
    found[name] = time.ticks_diff(time.ticks_us(), start)


def begin():
    global config, ports
    with open("board.json") as file:
        config = json.load(file)
    ports = board.open(config)
    ports.lines.release_all()
    ports.lines.power(True)
    ports.clock.sleep_ms(400)


@micropython.viper
def prepare(words: ptr32, command: uint, data: ptr8, count: int):  # noqa: F821
    """What a DMA channel would have to find in memory: three FIFO words for each word of `data`."""
    at = 0
    for _ in range(count):
        value = uint(data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24)  # noqa: F821
        at += 4
        fold = value ^ value >> 16
        fold ^= fold >> 8
        fold ^= fold >> 4
        words[0] = int(command)
        words[1] = int(value)
        words[2] = 0x6996 >> int(fold & 15) & 1
        words = ptr32(int(words) + 12)  # noqa: F821


def dma(ap):
    """A KiB by the pump, and by a DMA channel in its place: made ready, and fed."""
    words = array("I", bytes(3 * 1024))
    request = WRITE_REQUESTS[1 << 2 | 0xC >> 2]
    command = 7 << 1 | 16 << 6 | 1 | request << 11 | 27 << 19
    channel = rp2.DMA()
    control = channel.pack_ctrl(size=2, inc_write=False, treq_sel=0)
    pio = 0x50200000

    def feed():
        channel.config(read=words, write=pio + 0x10, count=len(words), ctrl=control, trigger=True)
        while channel.active():
            pass
        pio_pump.idle(pio, 400000)

    def aim():
        ports.wire.write(1, TAR, RAM)

    ap.write_block(RAM, view)
    for name, hz in (("4", 4000000), ("12", 12500000)):
        ports.wire.set_frequency(hz)
        aim()
        timed("pump_us_per_kib_" + name, lambda: ports.wire.write_block(1, 0xC, view))
        timed("dma_ready_us_per_kib_" + name, lambda: prepare(words, command, view, 256))
        aim()
        timed("dma_feed_us_per_kib_" + name, feed)
    channel.close()
    ap.write_block(RAM + 1024, view)


def registers():
    """The same chip through the GPIO registers instead of the PIO."""
    ports.wire.release()
    slow = SwdWire(GpioBits(config["swd"]["swclk"], config["swd"]["swdio"]))
    try:
        slow.engage()
        slow.set_frequency(100000000)
        found["gpio_swclk_hz"] = slow.frequency_hz
        slow.line_reset()
        found["gpio_dpidr"] = slow.read(0, 0)
        slow.write(0, 8, 0)  # SELECT: AP0's DRW, where TAR still is
        timed("gpio_write_us_per_kib", lambda: slow.write_block(1, TAR, view))
        timed("gpio_read_us_per_kib", lambda: slow.read_block(0, 0, view))
        found["gpio_reads"] = view[:4] == view[1020:1024] == found["gpio_dpidr"].to_bytes(4, "little")
    finally:
        slow.release()


def main():
    begin()
    try:
        target = connect(ports, UNDER_RESET, 1000000, families.prepare)
        target.core.reset_halt()
        dma(target.ap0)
        registers()
    finally:
        ports.wire.release()
        ports.lines.release_all()
    print(json.dumps(found))


main()
