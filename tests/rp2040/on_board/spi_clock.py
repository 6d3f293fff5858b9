# Runs on the Pico in place of the agent: the clock that the firmware makes for the card, how long a KiB takes at it.
# Prints one JSON object.

import json
import time

from machine import SPI, Pin

with open("board.json") as file:
    card = json.load(file)["card"]
spi = SPI(card["spi"], card["hz"], sck=Pin(card["sck"]), mosi=Pin(card["mosi"]), miso=Pin(card["miso"]))
kib = bytearray(1024)
start = time.ticks_us()
spi.readinto(kib)
us = time.ticks_diff(time.ticks_us(), start)
hz = int(str(spi).split("baudrate=")[1].split(",")[0])
print(json.dumps({"hz": hz, "kib_us": us}))
