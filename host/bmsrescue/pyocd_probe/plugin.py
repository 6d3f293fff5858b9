"""What pyOCD's entry point group ``pyocd.probe`` names."""

from __future__ import annotations

from pyocd.core.plugin import Plugin as PyocdPlugin

import bmsrescue
from bmsrescue.pyocd_probe.probe import RescueProbe


class Plugin(PyocdPlugin):  # type: ignore[misc]  # pyOCD ships no types
    """Hands pyOCD the probe class."""

    def load(self) -> type[RescueProbe]:
        return RescueProbe

    @property
    def version(self) -> str:
        return bmsrescue.__version__

    @property
    def name(self) -> str:
        return "bmsrescue"

    @property
    def description(self) -> str:
        return "bmsrescue helpers, the twin, and chips behind remote_bitbang"
