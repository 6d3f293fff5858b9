"""A helper as an object, for any program on this host: found, opened, called; directly or through the daemon."""
