# ruff: noqa: PTH123
# Runs on MicroPython: the agent's first step over many cards, one verdict to a line.
#
# Cards come on standard input, each as its length in four bytes and the FAT volume. A verdict is "good" with what the
# job says, or the sentence of the refusal; in hexadecimal digits, so that no terminal's encoding is in the way.
import binascii
import gc
import sys

import vfs

sys.path[:0] = sys.argv[1:]

from job_in_words import in_words  # noqa: E402

from rescue.engine.job.step import load_job  # noqa: E402
from rescuelink.errors import RescueError  # noqa: E402

SECTOR = 512


class Volume:
    def __init__(self, data):
        self.data = data

    def readblocks(self, block, view, offset=0):
        at = block * SECTOR + offset
        view[:] = self.data[at : at + len(view)]

    def writeblocks(self, block, view, offset=0):
        raise OSError(30)

    def ioctl(self, command, argument):
        if command == 4:
            return len(self.data) // SECTOR
        return SECTOR if command == 5 else 0


class Card:
    root = "/sd"

    def mount(self):
        pass


class Store:
    root = "/no-such-folder"  # no trusted key: a helper for development


class Ports:
    card = Card()
    store = Store()


class Observer:
    def event(self, name, facts):
        pass


class Run:
    # As much of run.Run as the step needs.
    folder = ""
    ports = Ports()
    observer = Observer()
    job = image = ahead = None

    def sequence(self):
        return 1

    def progress_in_bytes(self, what):
        return lambda done, total: None

    def use_limits(self, limits):
        pass

    def say(self, text):
        pass


def verdict(image):
    run = Run()
    vfs.mount(vfs.VfsFat(Volume(image)), Card.root, readonly=True)
    try:
        load_job(run)
        if run.image is None:
            return "looks without a job"
        run.image.close()
        del run.job.digest  # of the file; the host's check is asked what is in it
        return "good " + in_words(run.job)
    except RescueError as error:
        error.phase = error.phase or "job"
        return error.sentence()
    finally:
        vfs.umount(Card.root)


# Unix's MicroPython takes its standard input for text; the device is not.
cards = open("/dev/stdin", "rb")  # noqa: SIM115 - read to its end
while True:
    head = cards.read(4)
    if not head:
        break
    print(binascii.hexlify(verdict(cards.read(int.from_bytes(head, "little"))).encode()).decode())
    gc.collect()
