"""`bmsrescue twin`: the virtual bench from the command line."""
