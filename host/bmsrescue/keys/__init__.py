"""Keys that sign jobs and records, and the manifests that they sign (docs/signing.md)."""
