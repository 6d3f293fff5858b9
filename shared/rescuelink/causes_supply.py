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
        "The supply does not arrive: {rail} reads {mv} mV {state}.",
        "Check the bench supply, its output, the fuse and the leads to {input} and ground.",
        "NOT_FIRMWARE",
    ),
    (
        "low-supply",
        "{rail} reads {mv} mV, less than the {limit} mV the {user} needs to start.",
        "Set the bench supply to the unit's voltage and start again.",
        "NOT_FIRMWARE",
    ),
    (
        "short-input",
        "The supply is overloaded and no rail comes up: a short at the input.",
        "Do not reflash. Look for a short between {input} and ground or at the input of the first converter.",
        "UNSAFE",
    ),
    (
        "short-12v",
        "The supply is overloaded and the {rail} rail stays at {mv} mV: a short on {rail}.",
        "Do not reflash. Look for a short on the {rail} rail or at the isolated converter's input.",
        "UNSAFE",
    ),
    (
        "short-3v3",
        "{source} {above}, and {rail} is held at {mv} mV while the supply gives {ma} mA: a short on {rail}.",
        "Do not reflash. Look for a short on {rail}: decoupling capacitors, the regulator, the MCU.",
        "UNSAFE",
    ),
    (
        "no-12v",
        "{above}, and the {rail} rail reads {mv} mV: its converter does not start.",
        "Do not reflash. Check the fuse, the wake circuit and the {rail} converter.",
        "NOT_FIRMWARE",
    ),
    (
        "low-12v",
        "The {rail} rail reads {mv} mV, below {limit} mV: overloaded or failing converter.",
        "Do not reflash. Check the load on {rail} and the converter.",
        "NOT_FIRMWARE",
    ),
    (
        "high-12v",
        "The {rail} rail reads {mv} mV, above {limit} mV: its converter does not regulate.",
        "Do not reflash. Replace the {rail} converter before the unit is powered again.",
        "UNSAFE",
    ),
    (
        "unpowered",
        "Nothing shows for sure that the chip has its supply, and this helper has no wire to {rail}.",
        "Measure {input} and {rail} at the unit, its supply on and its button held; try again once they are there.",
        "EXAMINED",
    ),
    (
        "not-on",
        "The {rail} rail reads {mv} mV, and nobody has held the unit's button: it may be off, and nothing else.",
        "Hold the unit's button until its lights come, then start again; where no rail comes, look at its converters.",
        "EXAMINED",
    ),
    (
        "sense-out",
        "{rail} reads {mv} mV, and {made}: the helper reads {rail} wrong.",
        "Measure {rail} with a meter. Where it is good, look at the helper's wire and divider, and start again.",
        "CHECK_WIRES",
    ),
    (
        "no-vtref",
        "The helper reads no {rail} although the chip has its supply: the {rail} sense wire (VTref) is open.",
        "Plug the VTref wire in again and start again. Nothing was driven.",
        "CHECK_WIRES",
    ),
    (
        "no-3v3",
        "{above}, and the {rail} rail reads {mv} mV: its regulator is dead or switched off.",
        "Do not reflash. Check the {rail} regulator and who enables it.",
        "NOT_FIRMWARE",
    ),
    (
        "low-3v3",
        "The {rail} rail reads {mv} mV, outside {limit} mV: the chip must not be written at that.",
        "Do not reflash. Check the {rail} regulator and its load.",
        "UNSAFE",
    ),
    (
        "over-voltage",
        "{rail} reached {mv} mV, above the danger limit of {limit} mV. {done}",
        "Do not reflash. Find the failed regulator before the unit is powered again.",
        "UNSAFE",
    ),
    (
        "over-current",
        "The supply gave {ma} mA, above the limit of {limit} mA. {done}",
        "Do not reflash. Look for a part that gets warm under a current-limited supply.",
        "UNSAFE",
    ),
    (
        "unsteady-3v3",
        "The {rail} rail moves between {low} and {high} mV: too unsteady to write to the chip.",
        "Do not reflash. Check the supply's current limit, the regulator and its capacitors.",
        "UNSAFE",
    ),
    (
        "brown-out",
        "{rail} dipped while the unit was powered ({depth}): brown-out. {done}",
        "Check the supply's current limit and the way to {rail}, then start again: a cut cure goes on where it was.",
        "UNSAFE",
    ),
)
