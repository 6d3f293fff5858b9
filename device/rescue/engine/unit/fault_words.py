# The fault registers in words (Armv7-M B3.2.15, B3.2.16): what the core tried to do when it went wrong.

_WORDS = {
    "IACCVIOL": "fetched an instruction from memory that holds no code",
    "DACCVIOL": "accessed memory that is protected from it",
    "MUNSTKERR": "returned from an exception with its stack in protected memory",
    "MSTKERR": "entered an exception with its stack in protected memory",
    "MLSPERR": "saved floating-point registers to protected memory",
    "IBUSERR": "fetched an instruction where nothing answers, or from a half-written flash word",
    "PRECISERR": "accessed an address where nothing answers, or a half-written flash word",
    "IMPRECISERR": "wrote to an address where nothing answers",
    "UNSTKERR": "returned from an exception with its stack where there is no memory",
    "STKERR": "entered an exception with its stack where there is no memory",
    "LSPERR": "saved floating-point registers where there is no memory",
    "UNDEFINSTR": "executed an undefined instruction",
    "INVSTATE": "jumped to an even address, which is not Thumb code",
    "INVPC": "returned from an exception with a broken return address",
    "NOCP": "used the floating-point unit while it is off",
    "UNALIGNED": "made an unaligned access",
    "DIVBYZERO": "divided by zero",
    "VECTTBL": "could not read its vector table",
}
_HANDLERS = {2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault"}


def describe(core):
    """What went wrong, for evidence["core"]; "" for a core that is neither locked up nor in a fault handler."""
    handler = _HANDLERS.get(core.get("exception") or 0)
    if core.get("state") == "lockup":
        where = "locked up"
    elif handler is not None:
        where = "stays in its " + handler + " handler"
    else:
        return ""
    causes = [_WORDS[flag] for flag in core.get("flags") or () if flag in _WORDS]
    for name in ("bfar", "mmfar"):
        if core.get(name) is not None and causes:
            causes[0] += " (0x%08x)" % core[name]
    return where + " after it " + " and ".join(causes) if causes else where + " without a fault flag"
