# rescuelink: what the agent (MicroPython) and the host (CPython) both speak.
# Only builtins, `json`, `struct`, `binascii` and `hashlib` are imported here.
