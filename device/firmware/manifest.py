# The agent frozen into MicroPython's firmware: `make -C ports/rp2 BOARD_DIR=.../BMSRESCUE_PICO`, see docs/deploy.md.
# boot.py, main.py and board.json stay files: a frozen main.py could be neither replaced nor left out. Without line
# numbers (opt=3): they are 20 KB.

import hashlib
import os

_VERSION = "0.1.0"
_DIGITS = 16  # of a source's SHA-256
_PACKAGES = (("rescue", ".."), ("rescuelink", "../../shared"))
_MADE = "made"  # by this file, beside it


def _sources():
    # "SHA-256 place" of every source, sorted by place: what `bmsrescue deploy` compares.
    lines = []
    for package_name, base in _PACKAGES:
        for folder, _, names in os.walk(os.path.join(base, package_name)):
            for name in names:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        digest = hashlib.sha256(file.read()).hexdigest()[:_DIGITS]
                    lines.append((os.path.relpath(path, base).replace(os.sep, "/"), digest))
    return "".join("{} {}\n".format(digest, place) for place, digest in sorted(lines))


def _write(path, text):
    # Only when it has changed: MicroPython's build goes by the time of a file.
    if os.path.exists(path):
        with open(path) as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


metadata(description="Recovery agent for dead BMS boards", version=None, license="MIT")
include("$(PORT_DIR)/boards/manifest.py")
for _name, _base in _PACKAGES:
    package(_name, base_path=_base, opt=3)
_write(_MADE + "/rescue_frozen.py", "VERSION = {!r}\nSOURCES = {!r}\n".format(_VERSION, _sources()))
module("rescue_frozen.py", base_path=_MADE)
