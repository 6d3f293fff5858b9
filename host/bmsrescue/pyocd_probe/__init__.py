"""pyOCD probe plug-in: ``pyocd ... -u bmsrescue:/dev/ttyACM0`` debugs through a helper, ``-u bmsrescue:twin:half-on``
the twin, ``-u bmsrescue:bitbang:HOST:PORT`` any simulated chip behind remote_bitbang."""

# pyOCD loads its plug-ins, this one included, while it is imported: so it has to be imported before any module here.
import pyocd  # noqa: F401
