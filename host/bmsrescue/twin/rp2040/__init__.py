"""The helper's own hardware, pin by pin: what hangs on a Pico's pins, and the Pico itself in an emulator."""

from bmsrescue.twin.rp2040 import compiled

compiled.prefer()
