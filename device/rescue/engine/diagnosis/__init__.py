# Step "diagnosis": from the evidence to a cause.
