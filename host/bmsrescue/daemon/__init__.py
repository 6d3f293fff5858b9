"""The daemon: owns the helpers' ports and serves them to several clients over a local API."""
