"""Causes in the supply and the rails (docs/reference/unit.md#p0, #p1, #p2).

Nothing but constants: name, sentence, next step, outcome. See `rescuelink.diagnoses`.
"""

TABLE = (
    (
        "backfeed",
        "{rail} stays at {mv} mV with the power off: something else feeds the unit.",
        "Disconnect every cable but the helper (USB, RS485, CAN, cell taps) and start again.",
        "UNSAFE",
    ),
    (
        "no-supply",
        "The supply does not arrive: B+ reads {mv} mV with the power switched on.",
        "Check the bench supply, its output, the fuse and the B+/B- leads.",
        "NOT_FIRMWARE",
    ),
    (
        "low-supply",
        "B+ reads {mv} mV, less than the {limit} mV the 12 V converter needs to start.",
        "Set the bench supply to 18 V and start again.",
        "NOT_FIRMWARE",
    ),
    (
        "short-input",
        "The supply is overloaded and no rail comes up: a short at the input.",
        "Do not reflash. Look for a short between B+ and B- or at the 12 V converter's input.",
        "UNSAFE",
    ),
    (
        "short-12v",
        "The supply is overloaded and the 12 V rail stays at {mv} mV: a short on 12 V.",
        "Do not reflash. Look for a short on the 12 V rail or at the isolated converter's input.",
        "UNSAFE",
    ),
    (
        "short-3v3",
        "12 V {above}, and 3.3 V is held at {mv} mV while the supply gives {ma} mA: a short on 3.3 V.",
        "Do not reflash. Look for a short on 3.3 V: decoupling capacitors, the regulator, the MCU.",
        "UNSAFE",
    ),
    (
        "no-12v",
        "{above}, and the 12 V rail reads {mv} mV: its converter does not start.",
        "Do not reflash. Check the fuse, the wake circuit and the 12 V converter.",
        "NOT_FIRMWARE",
    ),
    (
        "low-12v",
        "The 12 V rail reads {mv} mV, below {limit} mV: overloaded or failing converter.",
        "Do not reflash. Check the load on 12 V and the converter.",
        "NOT_FIRMWARE",
    ),
    (
        "high-12v",
        "The 12 V rail reads {mv} mV, above {limit} mV: its converter does not regulate.",
        "Do not reflash. Replace the 12 V converter before the unit is powered again.",
        "UNSAFE",
    ),
    (
        "no-vtref",
        "The helper reads no 3.3 V although the chip has its supply: the 3.3 V sense wire (VTref) is open.",
        "Plug the VTref wire in again and start again. Nothing was driven.",
        "CHECK_WIRES",
    ),
    (
        "no-3v3",
        "{above}, and the 3.3 V rail reads {mv} mV: its regulator is dead or switched off.",
        "Do not reflash. Check the 3.3 V regulator and who enables it.",
        "NOT_FIRMWARE",
    ),
    (
        "low-3v3",
        "The 3.3 V rail reads {mv} mV, outside {limit} mV: the chip must not be written at that.",
        "Do not reflash. Check the 3.3 V regulator and its load.",
        "UNSAFE",
    ),
    (
        "over-voltage",
        "{rail} reached {mv} mV, above the danger limit of {limit} mV. Power was cut.",
        "Do not reflash. Find the failed regulator before the unit is powered again.",
        "UNSAFE",
    ),
    (
        "over-current",
        "The supply gave {ma} mA, above the limit of {limit} mA. Power was cut.",
        "Do not reflash. Look for a part that gets warm under a current-limited supply.",
        "UNSAFE",
    ),
    (
        "unsteady-3v3",
        "The 3.3 V rail moves between {low} and {high} mV: too unsteady to write to the chip.",
        "Do not reflash. Check the supply's current limit, the regulator and its capacitors.",
        "UNSAFE",
    ),
    (
        "brown-out",
        "{rail} dipped while the unit was powered ({depth}): brown-out. Power was cut.",
        "Check the supply's current limit and the 3.3 V path, then start again: a cut cure goes on where it was.",
        "UNSAFE",
    ),
)
