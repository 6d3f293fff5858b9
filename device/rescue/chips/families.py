# The families of chips that the agent knows. Which one it is shows in the access ports, before anything of a chip's own
# is read or written; from then on it is `target.family`, through which engine and link do all that depends on it.
# interface.py says what a family gives. Another one is a folder beside stm32h7/, and a choice here.


def prepare(target):
    """For connect(): sets target.family, and lets it do what it must before its chip can be debugged.

    Raises TargetError(other_family, wrong_ap) where the access ports are those of no family.
    """
    from rescue.chips.stm32h7 import family

    family.prepare(target)
    target.family = family
