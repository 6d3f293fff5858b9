# Loads every module of the agent that runs here, after the large table is taken as the agent takes it, and says how
# many names the interpreter keeps then.
import json
import sys

import micropython

from rescue.names import take_large_table

take_large_table()
with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    names = json.load(file)["modules"]
for name in names:
    __import__(name)
micropython.qstr_info()
