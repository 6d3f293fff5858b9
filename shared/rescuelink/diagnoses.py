"""The catalogue of causes: a stable name, a sentence for a person, what to do next, and how the job ends.

The rules that choose a cause from evidence are the agent's (`rescue.engine.diagnosis`); the words live here so that
the display, the record, the command line and the web page say the same. They come in groups, in the order in which a
unit is examined, so that a helper with little memory loads one at a time. "open" stands in for "firmware" where there
is no job; its table says some causes of the other groups in words of its own.
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
    if group == "open":
        from rescuelink.causes_open import INSTEAD, TABLE

        return TABLE + INSTEAD
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
    """The whole catalogue, each cause once, in the words that are said with a job."""
    rows: dict[str, tuple[str, str, str, str]] = {}
    for group in GROUPS + ("open",):
        for row in table(group):
            rows.setdefault(row[0], row)
    return [Cause(row[0], row[1], row[2], row[3]) for row in rows.values()]
