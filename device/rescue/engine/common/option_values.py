# The option bytes against the job's golden values [[register, value, mask], ..].

# Registers, and which of their bits may be written at all: not RDP, not SECURITY, none that is reserved
# (rescuelink.job; with ST_RAM_SIZE, which the parts with crypto have).
WRITABLE = (("optsr", 0x231E_00DC), ("boot", 0xFFFF_FFFF), ("optsr2", 0x7))


def differing(options, golden):
    """The golden values that are not in force."""
    return [entry for entry in golden if (options[entry[0]] ^ entry[1]) & entry[2]]
