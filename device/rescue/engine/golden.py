# The option bytes against the job's golden values [[register, value, mask], ..].


def differing(options, golden):
    """The golden values that are not in force."""
    return [entry for entry in golden if (options[entry[0]] ^ entry[1]) & entry[2]]
