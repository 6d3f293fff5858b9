# Step "plan": the smallest cure.
