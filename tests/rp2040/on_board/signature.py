# Runs on the Pico in place of the agent: how long a signature on P-256 takes to verify and to make, and its heap.
# Prints one JSON object.

import binascii
import gc
import hashlib
import json
import time

found = {"hashes": [name for name in ("md5", "sha1", "sha256", "sha512") if hasattr(hashlib, name)]}
SECRET = binascii.unhexlify("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
PUBLIC = binascii.unhexlify(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)


def timed(name, do):
    gc.collect()
    start = time.ticks_us()
    made = do()
    found[name + "_ms"] = time.ticks_diff(time.ticks_us(), start) // 1000
    return made


def measure():
    gc.collect()
    before = gc.mem_free()
    from rescuelink import p256

    gc.collect()
    found["module_bytes"] = before - gc.mem_free()
    digest = hashlib.sha256(b"sample").digest()
    signature = timed("sign", lambda: p256.sign(SECRET, digest))
    found["verified"] = timed("verify", lambda: p256.verify(PUBLIC, digest, signature))
    found["refused"] = not timed("refuse", lambda: p256.verify(PUBLIC, hashlib.sha256(b"other").digest(), signature))
    gc.collect()
    found["left_bytes"] = before - gc.mem_free()


measure()
print(json.dumps(found))
