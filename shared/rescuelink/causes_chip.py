"""Causes in core supply, reset, connection, identity and protection (docs/reference/unit.md#p2, #p3, #p4).

Nothing but constants: name, sentence, next step, outcome. See `rescuelink.diagnoses`.
"""

TABLE = (
    (
        "supply-config",
        "The core supply collapses after boot: the firmware chose a core supply this board does not have.",
        "Erase with BOOT0 high after a proven power removal, then write the right firmware.",
        "NOT_FIRMWARE",
    ),
    (
        "no-vcap",
        "The core supply reads {mv} mV, with {logic} {seen} and NRST {nrst}: the core has no power.",
        "Check the inductor and VCAP capacitors; then start again with BOOT0 held high.",
        "NOT_FIRMWARE",
    ),
    (
        "vcap-out",
        "The core supply is out of its window, or its sense wire is: VCAP reads {mv} mV, not {low}..{high} mV.",
        "Measure VCAP at the unit. Where it is good, look at the helper's sense wire and divider, and press again.",
        "CHECK_WIRES",
    ),
    (
        "held-in-reset",
        "NRST is held low by something on the board, not by the helper.",
        "Do not reflash. Check the supervisor, the AFE's reset output and the NRST capacitor.",
        "NOT_FIRMWARE",
    ),
    (
        "stuck-nrst",
        "The reset line cannot be pulled low: NRST is shorted to {logic}, or the helper's NRST wire is open.",
        "Check the NRST wire and look for a solder bridge at the MCU's reset pin, then start again.",
        "CHECK_WIRES",
    ),
    (
        "swapped-swd",
        "SWDIO and SWCLK are exchanged: each shows the pull of the other.",
        "Exchange the two wires and start again. Nothing was written.",
        "CHECK_WIRES",
    ),
    (
        "open-swd",
        "The {line} wire is open: nothing at its other end holds it, though the chip has its supply.",
        "Put the {line} wire right and start again. Nothing was written.",
        "CHECK_WIRES",
    ),
    (
        "swdio-low",
        "SWDIO is held low: it is shorted to GND, or exchanged with SWCLK.",
        "Look for a short on SWDIO; exchange the two wires and start again.",
        "CHECK_WIRES",
    ),
    (
        "no-swd",
        "{seen}, but nobody answers on SWD.",
        "Check the SWDIO, SWCLK and GND wires; then the MCU itself, which may be read-protected for good (RDP 2).",
        "CHECK_WIRES",
    ),
    (
        "swd-unstable",
        "The chip answers on SWD, but not reliably: {detail}.",
        "Shorten the SWD wires, check GND, and start again.",
        "CHECK_WIRES",
    ),
    (
        "wrong-target",
        "The chip is {found}, the job is for {wanted}.",
        "Use the job made for this unit. Nothing was written.",
        "WRONG_TARGET",
    ),
    (
        "options-cut",
        "The last run was cut while it changed option bytes, and the chip came back read-protected.",
        "Remove the protection, which erases the chip, and write everything back from the backup of that run.",
        "RECOVERED",
    ),
    (
        "rdp1",
        "Read protection level 1 is set: the flash cannot be read, backed up or compared.",
        "Removing it erases everything, calibration included: needs the customer's explicit consent.",
        "LOCKED",
    ),
    (
        "rdp1-removed",
        "Read protection level 1 was removed under the job's consent, which erased everything on the chip.",
        "Write the image; serial, calibration and settings have to be made anew.",
        "RECOVERED",
    ),
    (
        "rdp2",
        "The debug port is closed for good (read protection level 2): nothing can be read or written any more.",
        "Do not try again: replace the MCU or the board.",
        "LOCKED",
    ),
    ("secure", "The secure area is enabled: it is never touched.", "Replace the MCU or the board.", "LOCKED"),
    (
        "pcrop",
        "Sectors {sectors} lie in an execute-only area (PCROP, {area}): nobody can read, back up, erase or write them.",
        "Only read protection 0 to 1 to 0 with DMEP set removes it, which erases the whole chip: "
        "needs the owner's consent and ST's programmer.",
        "LOCKED",
    ),
    (
        "secure-area",
        "Sectors {sectors} lie in a secure-only area ({area}): they read as zeros and cannot be erased or written.",
        "Only read protection 0 to 1 to 0 with DMES set removes it, which erases the whole chip: "
        "needs the owner's consent and ST's programmer.",
        "LOCKED",
    ),
    (
        "other-product",
        "The unit is another product: {found} at {at}, where the job's has {wanted}.",
        "Use the job made for this product. Nothing was written.",
        "WRONG_TARGET",
    ),
    (
        "wrp",
        "Sectors {sectors} are write-protected by option bytes.",
        "Compare the option bytes with a good unit; clearing them needs consent.",
        "LOCKED",
    ),
)
