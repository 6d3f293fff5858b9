# board.json as it lies on the helper: what is written counts from the next start on.

import os
import sys


def path():
    """As main.py has it."""
    return sys.argv[1] if len(sys.argv) > 1 else "board.json"


def write(data):
    """Another one in its place: all of it or nothing where a file system replaces files (littlefs, as on a Pico); on
    FAT a cut between the two last calls leaves it under its new name. Raises OSError."""
    name = path()
    with open(name + ".new", "wb") as file:
        file.write(data)
    try:
        os.rename(name + ".new", name)
    except OSError:  # FAT
        os.remove(name)
        os.rename(name + ".new", name)
