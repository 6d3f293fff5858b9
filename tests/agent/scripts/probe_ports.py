# ruff: noqa: PTH102, PTH123
# Runs on the child MicroPython: uses every port once and tells what it saw.
import gc
import json
import os
import sys

import twin_ports

from rescuelink.errors import WireError

with open(sys.argv[1]) as file:
    ports = twin_ports.open(json.load(file))

seen = {"heap_free": gc.mem_free(), "implementation": sys.implementation[0]}
start = ports.clock.ms()
ports.clock.sleep_ms(250)
seen["slept_ms"] = ports.clock.since_ms(start)
seen["start_mv"] = ports.rails.read_mv("v3v3")
ports.lines.power(True)
ports.clock.sleep_ms(100)
seen["on_mv"] = ports.rails.read_mv("v3v3")
seen["capture"] = ports.rails.capture(10, 1)
seen["current_ma"] = ports.rails.current_ma()
ports.lines.nrst(True)
seen["held"] = ports.lines.nrst_level()
ports.lines.nrst(False)
seen["falls"] = ports.lines.nrst_edges()
seen["falls_again"] = ports.lines.nrst_edges()
ports.lines.boot0(None)

ports.wire.set_frequency(4_000_000)
seen["frequency_hz"] = ports.wire.frequency_hz
ports.wire.engage()
ports.wire.line_reset()
seen["read"] = ports.wire.read(0, 0)
ports.wire.write(1, 4, 0xFFFFFFFF)
block = bytearray(range(64))
ports.wire.write_block(1, 12, block)
back = bytearray(64)
ports.wire.read_block(1, 12, back)
seen["block_matches"] = back == block
try:
    ports.wire.read(0, 8)
except WireError as error:
    seen["wire_error"] = [error.kind, error.message, error.done]
ports.wire.release()

ports.card.mount()
with open("/sd/job.json") as file:
    seen["job"] = file.read()
os.mkdir("/sd/records")
with open("/sd/records/long name of a record.jsonl", "w") as file:
    file.write("{}\n" * 500)
seen["free_bytes"] = ports.card.free_bytes()
ports.card.unmount()
with open("/flash/journal", "a") as file:
    file.write("line\n")
with open("/flash/journal") as file:
    seen["journal"] = file.read()

pressed = 0
for _ in range(100):
    pressed += ports.panel.pressed()
    ports.clock.sleep_ms(10)
seen["pressed_ms"] = pressed * 10
ports.panel.show(bytes([0x81]) * 1024)
ports.panel.led(0, 255, 0)
ports.panel.beep(400)
ports.clock.feed()
ports.observer.event("seen", seen)
ports.lines.release_all()
