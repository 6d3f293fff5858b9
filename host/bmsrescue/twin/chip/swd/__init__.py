"""The serial wire: line, debug port, access ports."""
