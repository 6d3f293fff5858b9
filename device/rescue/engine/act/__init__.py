# Step "act": the plan is carried out.
