"""Runs on MicroPython, not here: stand-ins for `machine` and `time` whose pins are those of the twin's wiring."""
