"""The catalogue of causes: a stable name, a sentence for a person, what to do next, and how the job ends.

The rules that choose a cause from evidence are the agent's (`rescue.engine.diagnosis`); the words live here so that
the display, the record, the command line and the web page say the same. They come in three groups, in the order in
which a unit is examined, so that a helper with little memory loads one at a time.
"""

GROUPS = ("supply", "chip", "firmware")


class Cause:
    """One thing that can be wrong. `sentence` and `next_step` are templates filled with the finding's own values.

    `ends_as` is the outcome the job heads for: RECOVERED where writing the image can cure it, else what it stays.
    """

    def __init__(self, name: str, sentence: str, next_step: str, ends_as: str) -> None:
        self.name = name
        self.sentence = sentence
        self.next_step = next_step
        self.ends_as = ends_as


def table(group: str) -> tuple[tuple[str, str, str, str], ...]:
    """The rows of one group: name, sentence, next step, outcome."""
    if group == "supply":
        from rescuelink.causes_supply import TABLE as SUPPLY

        return SUPPLY
    if group == "chip":
        from rescuelink.causes_chip import TABLE as CHIP

        return CHIP
    from rescuelink.causes_firmware import TABLE as FIRMWARE

    return FIRMWARE


def cause(name: str, groups: tuple[str, ...] = GROUPS) -> Cause:
    """The cause of that name. Raises KeyError when there is none in these groups."""
    for group in groups:
        for row in table(group):
            if row[0] == name:
                return Cause(row[0], row[1], row[2], row[3])
    raise KeyError(name)


def all_causes() -> list[Cause]:
    """The whole catalogue."""
    return [Cause(row[0], row[1], row[2], row[3]) for group in GROUPS for row in table(group)]
