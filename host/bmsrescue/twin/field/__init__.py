"""Units nobody wrote: a seed makes a board, its history, its faults and its card, and the truth about them.

The truth is worked out from what was put in, and from what the unit does by itself with its power on. Nothing here asks
the agent's rules.
"""
