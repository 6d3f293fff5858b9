"""Causes of a unit that is looked at without a job: nobody knows its image, and nothing is written.

Nothing but constants: name, sentence, next step, outcome. See `rescuelink.diagnoses`. INSTEAD: what is said of causes
of the other groups where there is no job.
"""

_GET = "To go on, get the maker's firmware or a good unit of the same kind, and make a card: bmsrescue card build."
_KEEP = "Leave it as it is: what is on the chip cannot be had back. "

TABLE = (
    (
        "flash-blank",
        "The flash of this {chip} is erased, all {kib} KiB: there is no firmware on it.",
        _GET,
        "EXAMINED",
    ),
    (
        "half-written",
        "{torn} flash word(s) are half-written (sectors {sectors}): a write was cut.",
        _GET,
        "EXAMINED",
    ),
    (
        "start-closed",
        "The chip starts at {at}, in an area that option bytes close: nobody can read what is there.",
        _KEEP + "Ask the maker.",
        "LOCKED",
    ),
    (
        "start-erased",
        "The chip starts at {at}, and the flash is erased there, not elsewhere: an update was cut, or an erase.",
        _GET,
        "EXAMINED",
    ),
    (
        "start-wrong",
        "The chip starts at {at}, where nothing that can start lies ({found}).",
        "Compare the option bytes with a good unit's. " + _GET,
        "EXAMINED",
    ),
    (
        "in-rom",
        "The chip runs its system bootloader, though its option bytes start the flash: BOOT0 is high at reset.",
        "Look for a jumper or bridge from BOOT0 to {logic}, or an open pull-down, and look again.",
        "NOT_FIRMWARE",
    ),
    (
        "waits-for-crystal",
        "There is firmware that starts, and the core {detail}.",
        "Look at the crystal, its two capacitors and its solder joints before any firmware is written.",
        "NOT_FIRMWARE",
    ),
    (
        "firmware-crashes",
        "There is firmware that starts, and the core {detail}.",
        "It is damaged, or it misses something on the board. " + _GET,
        "EXAMINED",
    ),
    (
        "firmware-resets",
        "There is firmware that starts, and the chip is reset again and again ({flags}).",
        "It is damaged, or it waits for something on the board. " + _GET,
        "EXAMINED",
    ),
    (
        "firmware-hides",
        "There is firmware that can start; the chip answers only while it is reset: it sleeps or uses the SWD pins.",
        "Some units are so when they are in order. " + _GET,
        "EXAMINED",
    ),
    (
        "firmware-stuck",
        "There is firmware that starts, and the core {detail}.",
        "It is damaged, or it waits for something on the board. " + _GET,
        "EXAMINED",
    ),
    (
        "firmware-runs",
        "Firmware runs on this {chip}. Without its image nobody can tell whether it is the right one, and whole.",
        "If the unit fails all the same, look at the display, the AFE and the cell taps. " + _GET,
        "EXAMINED",
    ),
)

INSTEAD = (
    (
        "wrong-target",
        "The chip is {found}: nothing here knows it.",
        "This tool is for the STM32H7. Look at what is printed on the chip.",
        "WRONG_TARGET",
    ),
    (
        "supply-config",
        "The core supply collapses after boot: the firmware chose a core supply this board does not have.",
        _GET,
        "EXAMINED",
    ),
    (
        "options-cut",
        "A recovery of this unit was cut while it changed option bytes, and the chip came back read-protected.",
        "Put in the card of that recovery, with its backup, and press again.",
        "EXAMINED",
    ),
    (
        "rdp1",
        "Read protection level 1 is set: the flash cannot be read, backed up or compared.",
        _KEEP + "Ask the maker for the unit's firmware and its data.",
        "LOCKED",
    ),
    (
        "pcrop",
        "Sectors {sectors} lie in an execute-only area (PCROP, {area}), which nobody can read, back up or write.",
        _KEEP + "Ask the maker.",
        "LOCKED",
    ),
    (
        "undecided",
        "The evidence fits nothing that can be told without the unit's image.",
        _GET,
        "EXAMINED",
    ),
)
