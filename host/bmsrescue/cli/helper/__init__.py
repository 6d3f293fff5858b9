"""Commands for a helper that is connected: what it measures, its card, the chip behind it, its jobs."""
