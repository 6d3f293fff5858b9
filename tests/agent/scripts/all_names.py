# Takes the large table as the agent does, then loads every module of the agent that runs here; says after both how many
# names the interpreter keeps.
import json
import sys

import micropython

from rescue.names import take_large_table

take_large_table()
micropython.qstr_info()
with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython
    names = json.load(file)["modules"]
for name in names:
    __import__(name)
micropython.qstr_info()
