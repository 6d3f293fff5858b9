# A record that is safe gets this helper's signature, where it was deployed with a key of its own (docs/signing.md).
#
# "SHA256 SIGNATURE" a line, on the card beside the record and in the helper's flash. It is over the very line, which
# names the one before it. What goes wrong here costs the signature and never the record.

import binascii
import os

from micropython import const

from rescue.engine import modules
from rescue.engine.common import files
from rescuelink.errors import RescueError

_KEY = "/helper.key"  # in the helper's flash, where no call of the link reaches: 64 hex digits
NAME = "/signatures.txt"
_KEPT_BYTES = const(32 * 1024)  # some 170: more than the records that are kept there


def put(ports, sha256, on_card):
    """Signs the record whose line has this hash; where there is no key, nothing. Raises nothing."""
    root = ports.store.root
    if sha256 is None or not files.exists(root + _KEY):
        return
    try:
        ports.clock.feed()
        line = sha256 + " " + _signature(root, sha256)
        ports.clock.feed()
        path = root + NAME
        if files.exists(path) and os.stat(path)[6] > _KEPT_BYTES:
            os.remove(path)
        files.append_line(path, line)
        if on_card:
            files.append_line(ports.card.root + "/records" + NAME, line)
    except (OSError, ValueError, MemoryError, ImportError, RescueError):
        pass
    modules.drop("rescuelink.p256")


def _signature(root, sha256):
    from rescuelink import p256

    with open(root + _KEY) as file:
        secret = binascii.unhexlify(file.read().strip())
    return binascii.hexlify(p256.sign(secret, binascii.unhexlify(sha256))).decode()
