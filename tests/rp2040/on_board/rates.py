# Runs on the Pico in place of the agent: what the wire, the card and the flash reach, and what takes the time.
# Prints one JSON object. The card carries "random.bin"; the unit is healthy and its sector 2 may be erased.

import gc
import json
import os
import time
from array import array

import micropython
import rp2

from rescue.chips.stm32h7 import Stm32H7
from rescue.chips.table import H72x
from rescue.debug.connect import UNDER_RESET, connect
from rescue.hal import board, pio_pump
from rescue.hal.swd import WRITE_REQUESTS, SwdWire
from rescue.hal.swd_gpio import GpioBits
from rescuelink.consent import ERASE, PROGRAM, Consent

SECTOR = 2
ADDRESS = 0x08040000
RAM = 0x24010000
TAR = 0x4
LENGTH = 65536
HZ = 12500000

found = {}
buffer = bytearray(2048)
view = memoryview(buffer)


def timed(name, do, kib=None):
    start = time.ticks_us()
    do()
    us = time.ticks_diff(time.ticks_us(), start)
    found[name] = us if kib is None else round(us / kib)


def begin():
    global config, ports
    with open("board.json") as file:
        config = json.load(file)
    ports = board.open(config)
    ports.lines.release_all()
    found["heap_free"] = gc.mem_free()
    ports.card.mount()
    ports.lines.power(True)
    ports.clock.sleep_ms(400)


def card():
    with open("/sd/random.bin", "rb") as file:
        timed("card_read_us_per_kib", lambda: [file.readinto(view) for _ in range(LENGTH // 2048)], LENGTH // 1024)
    with open("/sd/copy.bin", "wb") as file:
        timed("card_write_us_per_kib", lambda: [file.write(view) for _ in range(LENGTH // 2048)], LENGTH // 1024)


def wire(ap):
    for name, hz in (("1", 1000000), ("4", 4000000), ("12", 12500000)):
        ports.wire.set_frequency(hz)
        timed("wire_write_us_per_kib_" + name, lambda: ap.write_block(RAM, view), 2)
        timed("wire_read_us_per_kib_" + name, lambda: ap.read_block(RAM, view), 2)
    timed("read32_us", lambda: ap.read32(RAM))
    timed("write32_us", lambda: ap.write32(RAM, 0x12345678))


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
    block = view[:1024]
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

    ap.write_block(RAM, block)
    for name, hz in (("4", 4000000), ("12", 12500000)):
        ports.wire.set_frequency(hz)
        aim()
        timed("pump_us_per_kib_" + name, lambda: ports.wire.write_block(1, 0xC, block), 1)
        timed("dma_ready_us_per_kib_" + name, lambda: prepare(words, command, block, 256), 1)
        aim()
        timed("dma_feed_us_per_kib_" + name, feed, 1)
    channel.close()
    ap.write_block(RAM + 1024, block)


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
        timed("gpio_write_us_per_kib", lambda: slow.write_block(1, TAR, view[:1024]), 1)
        timed("gpio_read_us_per_kib", lambda: slow.read_block(0, 0, view[:1024]), 1)
        found["gpio_reads"] = view[:4] == view[1020:1024] == found["gpio_dpidr"].to_bytes(4, "little")
    finally:
        slow.release()


def program(chip):
    flash = chip.flash
    consent = Consent((ERASE, PROGRAM), "policy:rates", (SECTOR,))
    flash.unlock()
    flash.start_erase(SECTOR, consent)
    flash.wait_erased()
    parts = {"card": 0, "wire": 0}

    def stream():
        target = flash.stream(ADDRESS, LENGTH, consent)
        with open("/sd/random.bin", "rb") as file:
            for _ in range(LENGTH // 2048):
                start = time.ticks_us()
                file.readinto(view)
                between = time.ticks_us()
                target.put(view)
                parts["card"] += time.ticks_diff(between, start)
                parts["wire"] += time.ticks_diff(time.ticks_us(), between)
        target.finish()

    timed("program_us_per_kib", stream, LENGTH // 1024)
    found["program_card_us_per_kib"] = parts["card"] // (LENGTH // 1024)
    found["program_put_us_per_kib"] = parts["wire"] // (LENGTH // 1024)
    flash.lock()


def backup(chip):
    flash = chip.flash

    def copy():
        with open("/sd/backup.bin", "wb") as file:
            for at in range(0, LENGTH, 2048):
                flash.read(ADDRESS + at, view)
                file.write(view)

    timed("backup_us_per_kib", copy, LENGTH // 1024)
    timed("crc_us_per_kib", lambda: chip.crc.crc32(ADDRESS, LENGTH), LENGTH // 1024)


def main():
    begin()
    try:
        card()
        target = connect(ports, UNDER_RESET, 1000000, H72x.debug_setup)
        ports.wire.set_frequency(HZ)
        found["swclk_hz"] = ports.wire.frequency_hz
        target.core.reset_halt()
        wire(target.ap0)
        dma(target.ap0)
        ports.wire.set_frequency(HZ)
        chip = Stm32H7(target, ports.clock)
        program(chip)
        backup(chip)
        found["waits"] = ports.wire.waits
        os.umount("/sd")
        registers()
    finally:
        ports.wire.release()
        ports.lines.release_all()
    print(json.dumps(found))


main()
