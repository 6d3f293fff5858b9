# The agent as it starts on a board, with a fault of its own: board.json says "fault": [module, function, exception].
import builtins
import json
import sys

import main

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    name, function, kind = json.load(file)["fault"]
real_import = builtins.__import__


def broken(*_arguments):
    raise {"TypeError": TypeError, "KeyError": KeyError, "MemoryError": MemoryError}[kind]("made by a test")


def import_broken(*wanted):
    module = real_import(*wanted)
    if name in sys.modules:
        setattr(sys.modules[name], function, broken)
    return module


builtins.__import__ = import_broken
main.main()
