"""The on-chip peripherals that firmware, debuggers and evidence need, with their reset values and side effects."""
