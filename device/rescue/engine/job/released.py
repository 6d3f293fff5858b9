# Was the job released to this helper? Asked before anything of it is believed: job.json is parsed only afterwards.
#
# Whose signature counts, and which releases have been here, lies in the helper's own flash, where no link call reaches:
# trust.txt, a public key a line, comes with a deployment; releases.txt, "NUMBER SERIES" a line, is kept here. Without
# trust.txt it is a helper for development, which runs unsigned jobs and says so.

import binascii
import os

from rescue.engine import modules
from rescue.engine.common import files
from rescuelink import manifest

_TRUST = "/trust.txt"
_RELEASES = "/releases.txt"
_NEW = ".new"
_KEY_DIGITS = 128


def read(run, folder, tick=None):
    """The manifest of a signed job, its signature verified; None on a helper for development. Raises JobError.

    A signature that was verified while the dongle waited is not computed again. `tick` is called meanwhile."""
    root = run.ports.store.root
    trust = root + _TRUST
    if files.is_absent(trust):
        trust += _NEW  # a deployment that was cut between the two steps of a FAT's replacing
    if files.is_absent(trust):
        return None
    path = folder + "/" + manifest.NAME
    if not files.exists(path):
        raise manifest.unsigned()
    found = manifest.read_manifest(_start_of(path))
    if run.ahead is None or run.ahead.manifest != found.digest:
        run.say("signature")
        run.ports.clock.feed()
        found.verify(_trusted(trust), tick)
        modules.drop("rescuelink.p256")
        run.ports.clock.feed()
    found.check_helper(run.ports.helper_id, _newest(root, found.series))
    return found


def note(run, found):
    """The job is good: what was released goes into the record, and nothing older runs from now on. Raises OSError."""
    if found is None:
        return
    run.released = {"series": found.series, "number": found.release, "key": found.key}
    if found.helper:
        run.released["exception"] = True
        return
    root = run.ports.store.root
    if run.folder or _newest(root, found.series) == found.release:
        return  # a host only asks about it, or it was here before
    path = root + _RELEASES
    lines = [line for line in _kept(root) if line.partition(" ")[2] != found.series]
    with open(path + _NEW, "w") as file:
        for line in lines:
            file.write(line + "\n")
        file.write("%d %s\n" % (found.release, found.series))
    files.sync()
    try:
        os.rename(path + _NEW, path)
    except OSError:  # FAT replaces nothing
        os.remove(path)
        os.rename(path + _NEW, path)


def _start_of(path):
    # One byte more than a manifest may have: that is enough to refuse it.
    try:
        with open(path, "rb") as file:
            return file.read(manifest.MAX_BYTES + 1)
    except OSError as error:
        raise files.card_error("cannot read " + manifest.NAME, error) from None


def _trusted(path):
    keys = []
    for line in _lines(path):
        if len(line) == _KEY_DIGITS:
            keys.append(binascii.unhexlify(line))
    return keys


def _newest(root, series):
    for line in _kept(root):
        number, _, name = line.partition(" ")
        if name == series:
            return int(number)
    return 0


def _kept(root):
    # Where power went between the two steps of a FAT's replacing, the new file alone is there, and whole.
    path = root + _RELEASES
    return _lines(path if files.exists(path) else path + _NEW)


def _lines(path):
    if not files.exists(path):
        return []
    with open(path) as file:
        return [line.rstrip() for line in file]
