"""Which attempts say something of a unit, and which of them ended well."""

from rescuelink.outcomes import ABORTED, CHECK_WIRES, EXAMINED, OUTCOMES, TOOL_ERROR, exit_class

NOT_COUNTED = (TOOL_ERROR, CHECK_WIRES, ABORTED, EXAMINED)
"""Outcomes that say nothing about a unit: a fault of the tool or the wires, a stopped job, a look without one."""

GOOD = tuple(name for name in OUTCOMES if exit_class(name) == 0)
