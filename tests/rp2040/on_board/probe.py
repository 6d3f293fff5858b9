# Runs on the Pico in place of the agent: the helper as a debug probe, on a unit that is judged first; boot.py has put
# its interface on USB. What it does for a debugger is the agent's own.

import gc
import json

from rescue.dap import mode
from rescue.engine.power import Power
from rescue.hal import board
from rescuelink.limits import default_limits

with open("board.json") as file:
    ports = board.open(json.load(file))
ports.lines.release_all()
power = Power(ports, default_limits())
mode.begin(ports, power)
gc.collect()
print("PROBE", gc.mem_free())
print("ENDED", mode.serve(ports, power, lambda connected: None))
