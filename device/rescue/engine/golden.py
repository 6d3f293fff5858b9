# The option bytes against the job's golden values [[register, value, mask], ..].

# Registers, and which of their bits may be written at all: not RDP, not SECURITY (as rescuelink.job has it).
WRITABLE = (("optsr", 0x3FDF_00FE), ("boot", 0xFFFF_FFFF), ("optsr2", 0x7))


def differing(options, golden):
    """The golden values that are not in force."""
    return [entry for entry in golden if (options[entry[0]] ^ entry[1]) & entry[2]]
