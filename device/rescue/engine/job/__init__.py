# Step "job": the card, the job on it and its image.
