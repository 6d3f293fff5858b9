"""A good unit's backup as the source for a dead one: what is firmware, what is each unit's own, and the job."""
