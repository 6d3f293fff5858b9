# options.*: the option bytes, read and given names, and changed with the words of the operator's consent.

from rescue.link.unit import change, connected, known_chip
from rescuelink.consent import OPTION_BYTES, WRITE_PROTECTION, Consent
from rescuelink.errors import ConsentError, LinkError


def read(work):
    """The options in force, as plain values."""
    return known_chip(work).options.read()


def write(work, name, value, mask, words):
    """Change the bits `mask` of "optsr", "optsr2", "boot" or "wpsn" to those of `value`; returns the options then in
    force. `words` are the operator's consent and name what is changed: "change optsr". The core is reset and halted.

    Never changed: read protection, SECURITY, PCROP, secure areas, bank swap. Raises ConsentError, FlashError (options).
    """
    if name not in ("optsr", "optsr2", "boot", "wpsn"):
        raise LinkError("bad_params", "there are no option bytes " + name[:20], next_step="see docs/protocol.md")
    if words != "change " + name:
        raise ConsentError("words", "consent reads like: change " + name)
    chip = known_chip(work)
    target = connected(work)
    target.core.reset_halt()
    chip.freeze_watchdogs()
    consent = Consent((OPTION_BYTES, WRITE_PROTECTION), "operator:" + words)
    what = "%s to 0x%08x in the bits 0x%08x" % (name, value, mask)
    change(work, what, target.family.option_writer(chip).change, [(name, value, mask)], consent)
    return chip.options.read()


CALLS = {"read": (read, ""), "write": (write, "siis")}
