"""A debug probe in place of a helper: the agent's engine on this host, over pyOCD's probe layer (docs/probes.md)."""

# pyOCD loads its plug-ins while it is imported, ours among them: first, before any module that they import.
import pyocd  # noqa: F401
