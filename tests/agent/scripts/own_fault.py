# The agent as it starts on a board, with a fault of its own: board.json says "fault": [module, function, exception].
import json
import sys

import main
from rescue.engine import modules

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    name, function, kind = json.load(file)["fault"]
load = modules.load


def broken(*_arguments):
    raise {"TypeError": TypeError, "KeyError": KeyError, "MemoryError": MemoryError}[kind]("made by a test")


def load_broken(wanted):
    module = load(wanted)
    if wanted == name:
        setattr(module, function, broken)
    return module


modules.load = load_broken
main.main()
