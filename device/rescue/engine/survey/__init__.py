# Step "map": what the flash holds.
