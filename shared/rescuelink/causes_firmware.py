"""Causes in the flash and the running firmware (docs/reference/unit.md#p5, #p6).

Nothing but constants: name, sentence, next step, outcome. See `rescuelink.diagnoses`.
"""

TABLE = (
    (
        "blank",
        "There is no application on the chip: its sectors are erased.",
        "Write the image.",
        "RECOVERED",
    ),
    (
        "update-cut",
        "A firmware update was cut: the start of the application is erased, the rest is there.",
        "Write the erased sectors again.",
        "RECOVERED",
    ),
    (
        "interrupted-program",
        "A firmware update was cut while writing: {torn} torn flash word(s), {missing} of {owned} sectors wrong.",
        "Erase and write the damaged sectors again.",
        "RECOVERED",
    ),
    (
        "bad-vectors",
        "The vector table is damaged (SP {sp}, PC {pc}): the core cannot start.",
        "Write the first sector again.",
        "RECOVERED",
    ),
    (
        "cure-cut",
        "The last run was cut while it rewrote sector {sector}, which holds the unit's own data.",
        "Write that sector again from the backup of the last run.",
        "RECOVERED",
    ),
    (
        "torn-data",
        "A half-written flash word lies in sector(s) {sectors}, which the job does not own (calibration?).",
        "The sector holds the unit's own data: erasing it needs consent.",
        "LOCKED",
    ),
    (
        "bootloader-damaged",
        "The chip starts at {at}, where the bootloader that is not the job's is damaged or erased.",
        "Use a job that brings the bootloader as well: an image read from a good unit, or the vendor's own.",
        "LOCKED",
    ),
    (
        "bootloader-waiting",
        "The application is in order; the vendor's bootloader runs instead and waits for an update: {flag}.",
        "Finish the update with the vendor's tool, or use a job that names its flag and consents to update-flag.",
        "LOCKED",
    ),
    (
        "newer-firmware",
        "The unit carries firmware {found}, which is newer than the job's {wanted}.",
        "Use a card with firmware {found} or later, or a job whose policy consents to newer-firmware.",
        "LOCKED",
    ),
    (
        "older-firmware",
        "The unit carries firmware {found}, older than the job's {wanted}; nothing shows that it is damaged ({seen}).",
        "Leave a unit that works as it is; to update it, use a job with target.marker or consent to older-firmware.",
        "LOCKED",
    ),
    (
        "unknown-application",
        "An application that the job does not know is on the unit and nothing shows that it is damaged ({seen}).",
        "Find out whose it is. To replace it, use a job with its target.marker or consent to unknown-application.",
        "LOCKED",
    ),
    (
        "wrong-supply",
        "The firmware chose a core supply this board does not have: VCAP collapses as soon as it runs.",
        "Erase with BOOT0 high after a proven power removal, then write the right firmware.",
        "RECOVERED",
    ),
    (
        "watchdog-loop",
        "A watchdog resets the chip ({edges} times in {window_ms} ms): the firmware on it does not feed it.",
        "Write the sectors that differ, with the watchdog frozen.",
        "RECOVERED",
    ),
    (
        "crashed",
        "The application on the chip is not the job's image, and the core {detail}.",
        "Write the sectors that differ.",
        "RECOVERED",
    ),
    (
        "silent-firmware",
        "The chip answers only while it is reset: its firmware, not the job's image, sleeps or uses the SWD pins.",
        "Write the sectors that differ.",
        "RECOVERED",
    ),
    (
        "differs",
        "The application on the chip is not the job's image: {missing} of {owned} sectors differ.",
        "Write the sectors that differ.",
        "RECOVERED",
    ),
    (
        "boot0-high",
        "BOOT0 is high at reset: the chip runs its system bootloader, and not the image in its flash.",
        "Do not reflash. Look for a jumper or bridge from BOOT0 to {logic}, or an open pull-down.",
        "NOT_FIRMWARE",
    ),
    (
        "no-crystal",
        "The firmware matches the image but the core {detail}.",
        "Do not reflash. Look at the crystal, its two capacitors and its solder joints.",
        "NOT_FIRMWARE",
    ),
    (
        "watchdog-unfed",
        "A watchdog resets the chip again and again ({flags}): the firmware matches the image and does not feed it.",
        "Do not reflash with this image. Find what the firmware waits for, or an image that feeds the watchdog.",
        "NOT_FIRMWARE",
    ),
    (
        "v5iso-out",
        "The {rail} reads {mv} mV, outside {low}..{high} mV: its converter, its load, or its sense wire.",
        "Do not reflash. Measure the {rail} at the unit: where it is good, look at the helper's sense wire.",
        "CHECK_WIRES",
    ),
    (
        "reset-loop",
        "The chip is reset every {period_ms} ms or so, {edges} times in {window_ms} ms ({cause}).",
        "Look at the reset cause: a watchdog points to firmware, a brown-out to the supply, PINRSTF alone to the "
        "supervisor or watchdog chip at NRST.",
        "NOT_FIRMWARE",
    ),
    (
        "banks-swapped",
        "The banks of the flash are swapped, and where the firmware should start, at {at}, lies {found}.",
        "Compare SWAP_BANK with a good unit, clear it with ST's programmer, and start again. Nothing was written.",
        "LOCKED",
    ),
    (
        "wrong-boot-address",
        "The option bytes send the boot to {found} instead of {wanted}.",
        "Compare the option bytes with a good unit; restoring them needs consent.",
        "LOCKED",
    ),
    (
        "lockup",
        "The firmware matches the image but the core {detail}.",
        "Do not reflash. Look at what the firmware expects of the board: clock, supply, peripherals.",
        "NOT_FIRMWARE",
    ),
    (
        "not-running",
        "The firmware matches the image but the core does not run it: {detail}.",
        "Do not reflash. Check BOOT0, the option bytes and the reset line.",
        "NOT_FIRMWARE",
    ),
    (
        "option-corruption",
        "The option bytes are not the job's golden ones: {names}.",
        "Compare the option bytes with a good unit; restoring them needs consent to option-bytes.",
        "LOCKED",
    ),
    (
        "latch-shorted",
        "The unit cannot switch itself off: {rail} stays at {mv} mV with {pin} driven to off. "
        "The firmware is in order.",
        "Do not reflash. Replace the high-side MOSFET of the power latch, or look at its driver.",
        "NOT_FIRMWARE",
    ),
    (
        "afe-watchdog",
        "{rail} is switched off {s} s after power-on although the firmware is in order: the AFE hears nothing from it.",
        "Do not reflash. Check the AFE, its supply from the cells, and its lines to the microcontroller.",
        "NOT_FIRMWARE",
    ),
    (
        "quiet",
        "The firmware matches the image; the chip answers only while it is reset: it sleeps, or uses the SWD pins.",
        "Nothing to write. If the unit still fails, look at what should wake it.",
        "NO_FAULT_FOUND",
    ),
    (
        "healthy",
        "The firmware matches the image and the core runs it{seen}.",
        "Nothing to do. If the unit still fails, look at the display, the AFE and the cell taps.",
        "NO_FAULT_FOUND",
    ),
    (
        "undecided",
        "The evidence fits no known fault.",
        "Keep the record and ask somebody who knows this board.",
        "EXAMINED",
    ),
    (
        "not-examined",
        "The unit was not examined: {reason}",
        "Put right what stopped the job and start again.",
        "TOOL_ERROR",
    ),
)
