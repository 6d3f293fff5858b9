"""The catalogue of causes: a stable name, a sentence for a person, and what to do next.

The rules that choose a cause from evidence are the agent's (`rescue.engine.diagnosis`); the words live here so that
the display, the record, the command line and the web page say the same.
"""

from rescuelink.outcomes import LOCKED, NO_FAULT_FOUND, NOT_FIRMWARE, RECOVERED, UNSAFE, WRONG_TARGET


class Cause:
    """One thing that can be wrong. `sentence` and `next_step` are templates filled with the finding's own values.

    `ends_as` is the outcome the job heads for: RECOVERED where writing the image can cure it, else what it stays.
    """

    def __init__(self, name: str, sentence: str, next_step: str, ends_as: str) -> None:
        self.name = name
        self.sentence = sentence
        self.next_step = next_step
        self.ends_as = ends_as
        self.curable = ends_as == RECOVERED


_NO_REFLASH = "Do not reflash. "

_TABLE = (
    # Supply and rails (bms-domain 1.4, 1.5 P0..P2).
    Cause(
        "backfeed",
        "{rail} stays at {mv} mV with the power off: something else feeds the unit.",
        "Disconnect every cable but the helper (USB, RS485, CAN, cell taps) and start again.",
        UNSAFE,
    ),
    Cause(
        "no-supply",
        "The supply does not arrive: B+ reads {mv} mV with the power switched on.",
        "Check the bench supply, its output, the fuse and the B+/B- leads.",
        NOT_FIRMWARE,
    ),
    Cause(
        "low-supply",
        "B+ reads {mv} mV, less than the {limit} mV the 12 V converter needs to start.",
        "Set the bench supply to 18 V and start again.",
        NOT_FIRMWARE,
    ),
    Cause(
        "short-input",
        "The supply is overloaded and no rail comes up: a short at the input.",
        _NO_REFLASH + "Look for a short between B+ and B- or at the 12 V converter's input.",
        UNSAFE,
    ),
    Cause(
        "short-12v",
        "The supply is overloaded and the 12 V rail stays at {mv} mV: a short on 12 V.",
        _NO_REFLASH + "Look for a short on the 12 V rail or at the isolated converter's input.",
        UNSAFE,
    ),
    Cause(
        "short-3v3",
        "12 V is up but the 3.3 V rail is held at {mv} mV while the supply gives {ma} mA: a short on 3.3 V.",
        _NO_REFLASH + "Look for a short on 3.3 V: decoupling capacitors, the regulator, the MCU.",
        UNSAFE,
    ),
    Cause(
        "no-12v",
        "B+ is there but the 12 V rail reads {mv} mV: its converter does not start.",
        _NO_REFLASH + "Check the fuse, the wake circuit and the 12 V converter.",
        NOT_FIRMWARE,
    ),
    Cause(
        "low-12v",
        "The 12 V rail reads {mv} mV, below {limit} mV: overloaded or failing converter.",
        _NO_REFLASH + "Check the load on 12 V and the converter.",
        NOT_FIRMWARE,
    ),
    Cause(
        "high-12v",
        "The 12 V rail reads {mv} mV, above {limit} mV: its converter does not regulate.",
        _NO_REFLASH + "Replace the 12 V converter before the unit is powered again.",
        UNSAFE,
    ),
    Cause(
        "no-3v3",
        "12 V is good but the 3.3 V rail reads {mv} mV: its regulator is dead or switched off.",
        _NO_REFLASH + "Check the 3.3 V regulator and who enables it.",
        NOT_FIRMWARE,
    ),
    Cause(
        "low-3v3",
        "The 3.3 V rail reads {mv} mV, outside {limit} mV: the chip must not be written at that.",
        _NO_REFLASH + "Check the 3.3 V regulator and its load.",
        UNSAFE,
    ),
    Cause(
        "over-voltage",
        "{rail} reached {mv} mV, above the danger limit of {limit} mV. Power was cut.",
        _NO_REFLASH + "Find the failed regulator before the unit is powered again.",
        UNSAFE,
    ),
    Cause(
        "over-current",
        "The supply gave {ma} mA, above the limit of {limit} mA. Power was cut.",
        _NO_REFLASH + "Look for a part that gets warm under a current-limited supply.",
        UNSAFE,
    ),
    Cause(
        "unsteady-3v3",
        "The 3.3 V rail moves between {low} and {high} mV: too unsteady to write to the chip.",
        _NO_REFLASH + "Check the supply's current limit, the regulator and its capacitors.",
        UNSAFE,
    ),
    Cause(
        "no-vcap",
        "3.3 V is good but the core supply reads {mv} mV with NRST {nrst}: the core has no power.",
        "Check the inductor and VCAP capacitors; then start again with BOOT0 held high.",
        NOT_FIRMWARE,
    ),
    Cause(
        "supply-config",
        "The core supply collapses after boot: the firmware chose a core supply this board does not have.",
        "Erase with BOOT0 high after a proven power removal, then write the right firmware.",
        NOT_FIRMWARE,
    ),
    Cause(
        "brown-out",
        "3.3 V dipped to {mv} mV while the unit was powered: brown-out.",
        _NO_REFLASH + "Check the supply's current limit and the 3.3 V regulator.",
        UNSAFE,
    ),
    # Reset and connection (1.5 P3, P4).
    Cause(
        "held-in-reset",
        "NRST is held low by something on the board, not by the helper.",
        _NO_REFLASH + "Check the supervisor, the AFE's reset output and the NRST capacitor.",
        NOT_FIRMWARE,
    ),
    Cause(
        "reset-loop",
        "The chip resets itself {edges} times in {window_ms} ms ({cause}).",
        "Look at the reset cause: a watchdog points to firmware, a brown-out to the supply.",
        NOT_FIRMWARE,
    ),
    Cause(
        "no-swd",
        "Rails and NRST are good, but the chip answers on SWD by no way tried.",
        "Check the SWDIO, SWCLK and GND wires; then the MCU itself.",
        NOT_FIRMWARE,
    ),
    Cause(
        "swd-unstable",
        "The chip answers on SWD, but not reliably: {detail}.",
        "Shorten the SWD wires, check GND, and start again.",
        NOT_FIRMWARE,
    ),
    Cause(
        "wrong-target",
        "The chip is {found}, the job is for {wanted}.",
        "Use the job made for this unit. Nothing was written.",
        WRONG_TARGET,
    ),
    # Protection (4.5).
    Cause(
        "rdp1",
        "Read protection level 1 is set: the flash cannot be read, backed up or compared.",
        "Removing it erases everything, calibration included: needs the customer's explicit consent.",
        LOCKED,
    ),
    Cause("rdp2", "Read protection level 2 is set: permanent.", "Replace the MCU or the board.", LOCKED),
    Cause("secure", "The secure area is enabled: it is never touched.", "Replace the MCU or the board.", LOCKED),
    Cause(
        "wrp",
        "Sectors {sectors} are write-protected by option bytes.",
        "Compare the option bytes with a good unit; clearing them needs consent.",
        LOCKED,
    ),
    Cause(
        "wrong-boot-address",
        "The option bytes send the boot to {found} instead of {wanted}.",
        "Compare the option bytes with a good unit; restoring them needs consent.",
        LOCKED,
    ),
    # Firmware (P5).
    Cause(
        "blank",
        "There is no application on the chip: its sectors are erased.",
        "Write the image.",
        RECOVERED,
    ),
    Cause(
        "update-cut",
        "A firmware update was cut: the start of the application is erased, the rest is there.",
        "Write the erased sectors again.",
        RECOVERED,
    ),
    Cause(
        "interrupted-program",
        "A firmware update was cut while writing: {torn} torn flash word(s), {missing} of {owned} sectors wrong.",
        "Erase and write the damaged sectors again.",
        RECOVERED,
    ),
    Cause(
        "bad-vectors",
        "The vector table is damaged (SP {sp}, PC {pc}): the core cannot start.",
        "Write the first sector again.",
        RECOVERED,
    ),
    Cause(
        "torn-data",
        "A half-written flash word lies in sector(s) {sectors}, which the job does not own (calibration?).",
        "The sector holds the unit's own data: erasing it needs consent.",
        LOCKED,
    ),
    Cause(
        "differs",
        "The application on the chip is not the job's image: {missing} of {owned} sectors differ.",
        "Write the sectors that differ.",
        RECOVERED,
    ),
    Cause(
        "lockup",
        "The firmware matches the image but the core is locked up: {detail}.",
        _NO_REFLASH + "Look at what the firmware expects of the board: clock, supply, peripherals.",
        NOT_FIRMWARE,
    ),
    Cause(
        "not-running",
        "The firmware matches the image but the core does not run it: {detail}.",
        _NO_REFLASH + "Check BOOT0, the option bytes and the reset line.",
        NOT_FIRMWARE,
    ),
    Cause(
        "healthy",
        "The firmware matches the image and the core runs it.",
        "Nothing to do. If the unit still fails, look at the display, the AFE and the cell taps.",
        NO_FAULT_FOUND,
    ),
    Cause(
        "undecided",
        "The evidence fits no known fault.",
        "Keep the record and ask somebody who knows this board.",
        NOT_FIRMWARE,
    ),
)

CAUSES = {cause.name: cause for cause in _TABLE}
