"""bmsrescue: brings back dead battery management systems."""

__version__ = "0.1.0"
