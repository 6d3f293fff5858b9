# Runs on the child MicroPython: the agent's lower half against the twin's chip, every step told as an event.
import binascii
import gc
import hashlib
import json
import sys

import twin_ports

from rescue.chips.families import prepare
from rescue.chips.stm32h7.chip import Stm32H7
from rescue.debug import connect as rungs
from rescue.debug import cortex_m_watch
from rescuelink.consent import ERASE, PROGRAM, Consent
from rescuelink.errors import RescueError

FLASH = 0x08000000
SECTOR = 0x20000

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython has no pathlib
    ports = twin_ports.open(json.load(file))

gc.collect()
lowest = gc.mem_free()
seen = {}


def weigh():
    global lowest
    gc.collect()
    lowest = min(lowest, gc.mem_free())


def power_cycle():
    ports.lines.power(False)
    ports.clock.sleep_ms(500)
    ports.lines.power(True)
    ports.clock.sleep_ms(100)


ports.lines.power(True)
ports.clock.sleep_ms(100)
try:
    target = rungs.connect(ports, rungs.ATTACH, 1_000_000, prepare)
    chip = Stm32H7(target, ports.clock)
    seen["identity"] = chip.identity()
    seen["options"] = chip.options.read()
    seen["state"] = target.core.state()
    seen["clock_hz"] = cortex_m_watch.cycles_hz(target.core, 20)
    seen["vectors"] = chip.flash.vectors(FLASH)
    weigh()

    target = rungs.connect(ports, rungs.UNDER_RESET, 4_000_000, prepare)
    chip = Stm32H7(target, ports.clock)
    chip.freeze_watchdogs()
    block = bytearray(4096)
    seen["torn"] = chip.flash.read(FLASH, block)
    seen["old"] = binascii.hexlify(hashlib.sha256(block).digest()).decode()
    seen["digest_torn"] = [chip.digest.sha256(FLASH, 4096), chip.digest.reason]

    try:
        chip.flash.erase(0, Consent((ERASE,), "policy:test", (1,)))
    except RescueError as error:
        seen["refused"] = error.to_dict()
    consent = Consent((ERASE, PROGRAM), "policy:test", (0,))
    chip.flash.unlock()
    chip.flash.erase(0, consent)
    for index in range(len(block)):
        block[index] = index * 7 + (index >> 8) & 0xFF
    start_cycles = ports.wire.cycles
    chip.flash.program(FLASH + 1024, block, consent, True)
    seen["cycles_per_flash_word"] = (ports.wire.cycles - start_cycles) // (len(block) // 32)
    weigh()
    back = bytearray(4096)
    seen["torn_after"] = chip.flash.read(FLASH + 1024, back)
    seen["same"] = back == block
    seen["digest_right"] = chip.digest.sha256(FLASH + 1024, 4096) == hashlib.sha256(block).digest()
    weigh()
    chip.flash.lock()

    target = rungs.connect(ports, rungs.BOOT0, 1_000_000, prepare, power_cycle)
    seen["boot0"] = target.core.state()
except RescueError as error:
    seen["error"] = error.to_dict()
seen["heap_free_min"] = lowest
ports.lines.release_all()
ports.wire.release()
ports.observer.event("seen", seen)
