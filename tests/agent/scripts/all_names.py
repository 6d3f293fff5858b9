# Loads every module of the agent that runs here, and says how many names the interpreter keeps then.
import json
import sys

import micropython

with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    names = json.load(file)["modules"]
for name in names:
    __import__(name)
micropython.qstr_info()
