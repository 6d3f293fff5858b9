"""Where a finding could also be something else: what a person would see if it is.

Nothing but constants, by the name of the alternative (`alternatives` of a diagnosis); {input}, {between} and {logic}
stand for the unit's rails of these roles. See `rescuelink.diagnoses`.
"""

TABLE = {
    "afe-watchdog": "{logic} stays up while firmware runs that serves the front end",
    "brown-out": "{logic} dips with it: it goes away on a stronger supply",
    "differs": "nobody has tried to update this unit",
    "healthy, with other firmware": "the unit works with the firmware it has",
    "low-3v3": "{logic} is low as well while nothing is written",
    "low-12v": "a meter on {between} reads as little",
    "low-supply": "{input} is low or dips at the unit's own terminals",
    "no-12v": "with the power off {between} measures more than a few ohms to GND",
    "no-3v3": "with the power off {logic} measures more than a few ohms to GND",
    "no-swd": "a good unit on the same wires answers nothing either",
    "held-in-reset": "{logic} is good, and NRST stays low with the helper taken off",
    "no-vtref": "{logic} measures good at the unit's own pad",
    "no-vcap": "VCAP stays at 0 V with BOOT0 held high through a power-on, too",
    "not-running": "the vendor's tool finds no bootloader",
    "no-supply": "{input} measures nothing at the unit's own terminals",
    "open-swd": "a meter finds no way from the helper's pin to the chip's",
    "option-corruption": "other option bytes differ from a good unit's as well",
    "over-current": "the bench supply shows that it limits its current",
    "rdp1": "the chip is found every time, and every read of its flash fails at any clock",
    "rdp2": "a good unit answers on the same wires, and this one still runs its firmware",
    "reset-loop": "NRST falls again and again on an oscilloscope",
    "silent-firmware": "it answers while NRST is held low",
    "sense-out": "the rail measures good at the unit's own pad",
    "short-12v": "with the power off {between} measures next to nothing to GND",
    "short-3v3": "with the power off {logic} measures next to nothing to GND",
    "short-input": "the current is as high with the converter behind {input} taken off",
    "supply-config": "VCAP comes up with BOOT0 held high through a power-on",
    "swapped-swd": "the chip answers with the two wires exchanged",
    "update-cut": "somebody has tried to update this unit",
    "wrong-supply": "VCAP is gone while the firmware runs, and there while NRST is held low",
    "wrong-boot-address": "a good unit's option bytes start the chip elsewhere",
}
