# Step "record": how it ended, kept.
