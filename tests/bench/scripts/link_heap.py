# What the link takes of the agent's heap: measured before it is loaded, and with a session open that has carried out a
# call. The figures are the answer to the host's next bytes.
import gc
import json
import sys

import twin_ports

from rescue import app  # noqa: F401 - what is there anyway
from rescue.engine import job_runner  # noqa: F401

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    config = json.load(file)
ports = twin_ports.open(config)
gc.collect()
before = gc.mem_alloc()

from rescue.link.channel import Channel  # noqa: E402
from rescue.link.server import Server  # noqa: E402

server = Server(ports, config, Channel(ports.stream))
while server.session is None:
    server.serve(10)
server.serve(500)  # the call
gc.collect()
print("link heap:", gc.mem_alloc() - before)
