# Step "backup": everything readable, on the card.
