# Runs on the Pico in place of the agent: what the wire, the card and the flash reach, and what takes the time.
# Prints one JSON object. The card carries "random.bin"; the unit is healthy and its sector 2 may be erased.

import binascii
import gc
import hashlib
import json
import os
import time

from rescue.chips.families import prepare
from rescue.chips.stm32h7.chip import Stm32H7
from rescue.debug.connect import UNDER_RESET, connect
from rescue.hal import board
from rescuelink.consent import ERASE, PROGRAM, Consent

SECTOR = 2
ADDRESS = 0x08040000
RAM = 0x24010000
LENGTH = 131072  # a whole sector
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
    global ports
    with open("board.json") as file:
        ports = board.open(json.load(file))
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


def hashes():
    digest = hashlib.sha256()
    timed("sha256_us_per_kib", lambda: digest.update(view), 2)
    timed("crc32_us_per_kib", lambda: binascii.crc32(view), 2)


def wire(ap):
    for name, hz in (("1", 1000000), ("4", 4000000), ("12", 12500000)):
        ports.wire.set_frequency(hz)
        timed("wire_write_us_per_kib_" + name, lambda: ap.write_block(RAM, view), 2)
        timed("wire_read_us_per_kib_" + name, lambda: ap.read_block(RAM, view), 2)
    timed("read32_us", lambda: ap.read32(RAM))
    timed("write32_us", lambda: ap.write32(RAM, 0x12345678))


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
                flash.read(ADDRESS + at, view, False)
                file.write(view)
            flash.is_sound(ADDRESS)

    timed("backup_us_per_kib", copy, LENGTH // 1024)
    timed("core_sha256_us_per_kib", lambda: chip.digest.sha256(ADDRESS, LENGTH), LENGTH // 1024)


def main():
    begin()
    try:
        card()
        hashes()
        target = connect(ports, UNDER_RESET, 1000000, prepare)
        ports.wire.set_frequency(HZ)
        found["swclk_hz"] = ports.wire.frequency_hz
        target.core.reset_halt()
        wire(target.ap0)
        ports.wire.set_frequency(HZ)
        chip = Stm32H7(target, ports.clock)
        program(chip)
        backup(chip)
        found["waits"] = ports.wire.waits
        os.umount("/sd")
    finally:
        ports.wire.release()
        ports.lines.release_all()
    print(json.dumps(found))


main()
