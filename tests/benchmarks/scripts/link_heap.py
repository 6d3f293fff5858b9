# What the link takes of the agent's heap: measured before it is loaded, with a session open, and after a call, whose
# group of methods stays in the heap until another one's turn comes.
import gc
import json
import sys

import twin_ports

from rescue.engine import run  # noqa: F401
from rescue.front import app  # noqa: F401 - what is there anyway

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    config = json.load(file)
ports = twin_ports.open(config)


class Names:
    pass


# The interpreter's table of names doubles when it is full. A job fills the larger one halfway with or without a link,
# so that it has to be there before the link is weighed.
for number in range(100):
    setattr(Names, f"name{number}", None)
del Names
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
