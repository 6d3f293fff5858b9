"""board.json, which says what a helper has: its keys, whether they can be, calibration, pictures of the wiring."""
