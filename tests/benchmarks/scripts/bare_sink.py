# A bare loop on the agent's interpreter, port and card: writes what comes to a file, and says so when all has come.
import json
import sys

import twin_ports

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    config = json.load(file)
ports = twin_ports.open(config)
stream = ports.stream
ports.card.mount()
view = memoryview(bytearray(2048))
while True:
    left = config["bytes"]
    with open("/sd/bare.bin", "wb") as file:  # noqa: PTH123 - MicroPython
        while left:
            if stream.wait(100):
                count = stream.readinto(view)
                file.write(view[:count])
                left -= count
    stream.write(b"k")
