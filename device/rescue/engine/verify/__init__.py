# Step "verify": the whole image once more.
