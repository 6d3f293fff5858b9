"""The agent seen from the host: where its files are, and how they become what a helper runs (docs/agent-build.md)."""
