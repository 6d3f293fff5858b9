"""What runs on the board, through its raw REPL. Plain MicroPython 1.22 with as little memory as it can do with.

Paths are relative to the directory the board starts in, "/" on most ports, "/flash" on some: main.py is looked for
there. Names in capitals are set before (`Repl.run`).
"""

# (name, version, what compiled files it loads, board, port)
FACTS = """
import sys
i = sys.implementation
print(repr((i.name, tuple(i.version[:3]), getattr(i, '_mpy', 0), getattr(i, '_machine', sys.platform), sys.platform)))
"""

# The agent that the firmware holds: (version, list of sources), None without one. Its list is no file of the agent, so
# that no file is taken before it.
FROZEN = """
try:
    from rescue_frozen import VERSION, SOURCES
    print(repr((VERSION, SOURCES)))
except ImportError:
    print(None)
"""

# The agent's watchdog goes on counting when the agent has been left, and no port has a call to stop it. On RP2 it is
# the bit ENABLE of WATCHDOG CTRL (RP2040 datasheet 4.7.6, RP2350 datasheet 12.9), cleared through the atomic alias.
STOP_WATCHDOG = """
import sys
if sys.platform == 'rp2':
    import machine
    base = 0x400D8000 if 'RP2350' in sys.implementation._machine else 0x40058000
    machine.mem32[base + 0x3000] = 1 << 30
"""

# One line per file, "SHA-256 size path", of the trees and files in `names`.
LIST = """
import binascii, gc, hashlib, os
gc.collect()
_b = bytearray(512)
_v = memoryview(_b)
def _file(path):
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        n = f.readinto(_b)
        while n:
            h.update(_v[:n])
            n = f.readinto(_b)
    print(binascii.hexlify(h.digest()).decode(), os.stat(path)[6], path)
def _walk(path):
    for e in os.ilistdir(path):
        if e[1] == 0x4000:
            _walk(path + '/' + e[0])
        else:
            _file(path + '/' + e[0])
for _n in NAMES:
    try:
        _m = os.stat(_n)[0]
    except OSError:
        continue
    if _m & 0x4000:
        _walk(_n)
    else:
        _file(_n)
"""

FREE = """
import os
_s = os.statvfs(os.getcwd())
print(repr((_s[1], _s[4])))
"""

# Directories that are there already are left as they are.
MAKE_DIRECTORIES = """
import os
for _n in NAMES:
    try:
        os.mkdir(_n)
    except OSError:
        if not os.stat(_n)[0] & 0x4000:
            raise
"""

REMOVE = """
import os
for _n in NAMES:
    os.remove(_n)
"""

# Only folders without a file go. An empty one would be taken for the package of its name, before the firmware's.
REMOVE_EMPTY_TREES = """
import os
def _prune(path):
    for e in os.ilistdir(path):
        if e[1] == 0x4000:
            _prune(path + '/' + e[0])
    try:
        os.rmdir(path)
    except OSError:
        pass
for _n in NAMES:
    try:
        _prune(_n)
    except OSError:
        pass
"""

# A function that asks for a file window by window and writes it. The bytes come as they are: text would go through the
# board's compiler, which costs it several times as much. Ctrl-C is a byte like any other meanwhile, and nothing ends
# the read of a window but its bytes; so each ends with a mark, without which somebody else is there by now.
RECEIVE = """
import micropython, select, sys
def _take(name, size):
    ready = select.poll()
    ready.register(sys.stdin, select.POLLIN)
    window = memoryview(bytearray(WINDOW_BYTES + 1))
    with open(name, 'wb') as f:
        micropython.kbd_intr(-1)
        try:
            while size:
                sys.stdout.write(ASK)
                n = min(size, WINDOW_BYTES)
                if not ready.poll(SILENCE_MS):
                    raise OSError(110)
                sys.stdin.buffer.readinto(window[:n + 1])
                if window[n] != ord(ASK):
                    raise OSError(110)
                f.write(window[:n])
                size -= n
        finally:
            micropython.kbd_intr(3)
"""

TAKE = "_take(NAME, SIZE)"
