"""A helper on the bench as an object: found, opened, called; what the command line and the daemon share."""
