# Runs on the Pico in place of the agent: what of the heap holds what in a recovery that a host has started, in the
# order in which it is loaded. Prints one JSON object: [[what, bytes], ..] as "kept", and what each step loads and lets
# go of again as "steps". What the run finds (evidence, digests, plan) is not in it.

import gc
import json


def free():
    gc.collect()
    return gc.mem_free()


kept = []
before = free()
found = {"at_start": before, "kept": kept}


def take_stock(what):
    global before
    now = free()
    kept.append([what, before - now])
    before = now


with open("board.json") as file:
    config = json.load(file)
from rescue.hal import board  # noqa: E402

ports = board.open(config)
from rescue.engine import modules  # noqa: E402

modules.drop("rescue.hal.board")
del board
take_stock("board: pins, wire, rails, card, display, clock")

from rescue.front.app import App  # noqa: E402

app = App(ports, config)
take_stock("dongle: the engine's frame")
from rescue import names  # noqa: E402

names.take_large_table()
modules.drop("rescue.names")
del names
take_stock("the table of names, taken while the heap is whole")

from rescue.link.channel import Channel  # noqa: E402
from rescue.link.server import Server  # noqa: E402

server = Server(ports, config, Channel(ports.stream))
__import__("rescue.link.methods.core")
modules.drop("rescue.link.methods.")
take_stock("link: buffers, frames, server")
__import__("rescue.link.methods.job")
take_stock("link: the job's methods")

from rescue.engine.run import Run, drop_modules  # noqa: E402

run = Run(server.work.ports, "census")
take_stock("the run")

for name in ("rescue.debug.target", "rescue.debug.connect", "rescue.chips.stm32h7.chip"):
    __import__(name)
take_stock("debug port and chip")

from rescue.engine.steps import STEPS, function_of  # noqa: E402

steps = found["steps"] = {}
for name in STEPS:
    function = function_of(name)
    steps[name] = before - free()
    function = None
    drop_modules()
    before = free()
take = found["at_start"] - sum([size for _what, size in kept]) - before
kept.append(["what the steps share, and names met on the way", take])
found["left"] = before
print(json.dumps(found))
ports.lines.release_all()
