# What the link takes of the agent's heap: measured before it is loaded, with a session open, and after a call, whose
# group of methods stays in the heap until another one's turn comes.
import gc
import json
import sys

import twin_ports

from rescue.engine import run  # noqa: F401
from rescue.front import app  # noqa: F401 - what is there anyway
from rescue.names import take_large_table

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    config = json.load(file)
ports = twin_ports.open(config)
# The interpreter's table of names doubles when it is full. The agent takes the larger one when it starts, with or
# without a link.
take_large_table()
gc.collect()
before = gc.mem_alloc()

from rescue.link.channel import Channel  # noqa: E402
from rescue.link.server import Server  # noqa: E402

server = Server(ports, config, Channel(ports.stream))
while server.session is None:
    server.wait(10)
    server.carry_out()
gc.collect()
print("link heap:", gc.mem_alloc() - before)
while not any(name.startswith("rescue.link.methods.") for name in sys.modules):
    server.wait(10)
    server.carry_out()
gc.collect()
print("with a group:", gc.mem_alloc() - before)
