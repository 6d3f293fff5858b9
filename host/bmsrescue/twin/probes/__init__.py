"""Debug probes in software, in front of a twin: pyOCD drives them over its own USB layer (docs/probes.md)."""
