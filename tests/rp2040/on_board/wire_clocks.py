# Runs on the Pico in place of the agent: blocks and words of a halted chip's RAM, there and back at three clocks.
# Prints one JSON object: by the clock that was asked for, how many blocks and words came back otherwise.

import json

from rescue.chips import families
from rescue.debug.connect import UNDER_RESET, connect
from rescue.hal import board

RAM = 0x24010000

with open("board.json") as file:
    ports = board.open(json.load(file))
ports.lines.release_all()
ports.lines.power(True)
ports.clock.sleep_ms(400)
sent = bytes([(at * 7 + (at >> 3)) & 255 for at in range(1024)])
back = bytearray(1024)
found = {}
try:
    target = connect(ports, UNDER_RESET, 1000000, families.prepare)
    target.core.reset_halt()
    for hz in (1000000, 4000000, 12500000):
        ports.wire.set_frequency(hz)
        blocks = words = 0
        for _ in range(6):
            target.ap0.write_block(RAM, sent)
            target.ap0.read_block(RAM, back)
            blocks += back != sent
        for at in range(0, 240, 4):
            words += target.ap0.read32(RAM + at) != int.from_bytes(sent[at : at + 4], "little")
        found[hz] = (blocks, words)
finally:
    ports.wire.release()
    ports.lines.release_all()
print(json.dumps(found))
