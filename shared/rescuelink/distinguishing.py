"""Where a finding could also be something else: what a person would see if it is.

Nothing but constants, by the name of the alternative (`alternatives` of a diagnosis). See `rescuelink.diagnoses`.
"""

TABLE = {
    "brown-out": "3.3 V dips with it: it goes away on a stronger supply",
    "differs": "nobody has tried to update this unit",
    "healthy, with other firmware": "the unit works with the firmware it has",
    "low-3v3": "3.3 V is low as well while nothing is written",
    "low-12v": "a meter on 12 V reads as little",
    "low-supply": "B+ is low or dips at the unit's own terminals",
    "no-12v": "with the power off 12 V measures more than a few ohms to GND",
    "no-3v3": "with the power off 3.3 V measures more than a few ohms to GND",
    "no-swd": "a good unit on the same wires answers nothing either",
    "held-in-reset": "3.3 V is good, and NRST stays low with the helper taken off",
    "no-vtref": "3.3 V measures good at the unit's own pad",
    "no-vcap": "VCAP stays at 0 V with BOOT0 held high through a power-on, too",
    "not-running": "the vendor's tool finds no bootloader",
    "no-supply": "B+ measures nothing at the unit's own terminals",
    "open-swd": "a meter finds no way from the helper's pin to the chip's",
    "option-corruption": "other option bytes differ from a good unit's as well",
    "rdp1": "the chip is found every time, and every read of its flash fails at any clock",
    "rdp2": "a good unit answers on the same wires, and this one still runs its firmware",
    "reset-loop": "NRST falls again and again on an oscilloscope",
    "silent-firmware": "it answers while NRST is held low",
    "sense-out": "the rail measures good at the unit's own pad",
    "short-12v": "with the power off 12 V measures next to nothing to GND",
    "short-3v3": "with the power off 3.3 V measures next to nothing to GND",
    "short-input": "the current is as high with the 12 V converter taken off",
    "supply-config": "VCAP comes up with BOOT0 held high through a power-on",
    "swapped-swd": "the chip answers with the two wires exchanged",
    "update-cut": "somebody has tried to update this unit",
    "wrong-supply": "VCAP is gone while the firmware runs, and there while NRST is held low",
    "wrong-boot-address": "a good unit's option bytes start the chip elsewhere",
}
