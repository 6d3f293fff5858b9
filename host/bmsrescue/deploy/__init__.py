"""Puts the agent on a helper: asks the board, compiles for it, brings only what differs, verifies, restarts."""
