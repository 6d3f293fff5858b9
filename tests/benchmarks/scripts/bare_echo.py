# A bare loop on the agent's interpreter and port: gives back what comes.
import json
import sys

import twin_ports

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    stream = twin_ports.open(json.load(file)).stream
view = memoryview(bytearray(4096))
while True:
    if stream.wait(100):
        count = stream.readinto(view)
        if count:
            stream.write(view[:count])
