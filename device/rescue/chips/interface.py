# What a family of chips gives to engine and link: a module with these functions, found by families.py. Written down
# here, and never loaded. `ap` is the access port of the core's memory, `chip` what open_chip() has returned.


def prepare(target):
    """Is this a chip of the family, by its access ports? Then what has to be written before it can be debugged, such as
    clocks that go on in sleep and watchdogs that stop while the core is halted. Only `target.aps` is known.
    Raises TargetError(other_family, wrong_ap)."""


def open_chip(target, clock):
    """The chip: identity(), supply(), freeze_watchdogs(), flash, options, digest
    (docs/architecture.md, Debug and chip drivers). Raises TargetError(wrong_chip), WireError."""


def device_id(target):
    """The number that tells dies apart, of a chip that open_chip() has refused."""


def reset_cause(ap):
    """evidence["reset_cause"]."""


def clocks(ap):
    """evidence["clocks"], at this moment."""


def watchdog(ap):
    """evidence["watchdog"]."""


def pin_level(ap, name):
    """Whether the pin reads high."""


def drive_pin(ap, name, high):
    """Drives a pin of a halted core."""


def option_writer(chip):
    """With change(values, consent) and regress(consent)."""
