"""Firmware files as people have them: recognised by content, read to segments of bytes at addresses, or refused."""
