# A session begins: who may have one, and what the helper is. Loaded for the call, dropped after it.

import gc
import os
import sys

from rescue.engine import modules
from rescue.engine.common import files
from rescuelink import rpc
from rescuelink.errors import LinkError

_AGENT_VERSION = "0.1.0"
_TRUST = "/trust.txt"  # as in engine/job/released.py: with it only signed jobs are run
_CAPABILITIES = "rails power lines swd memory core flash options job card records"


def hello(server, version, client):
    """Opens the session. Raises LinkError (version, busy)."""
    if version != rpc.PROTOCOL_VERSION:
        message = "the host speaks version %d of the link, this agent version %d" % (version, rpc.PROTOCOL_VERSION)
        raise LinkError("version", message, next_step="bring both to the same release: bmsrescue deploy")
    if server.occupied is not None:
        raise LinkError("busy", server.occupied, next_step="wait until it has ended")
    if server.session is not None and server.session != client:
        message = "the helper is in use by " + server.session
        raise LinkError("busy", message, next_step="close that program, or wait two seconds if it has died")
    if server.session is None:
        from rescue.link.log import note

        note(server.work, "opened", client)
    server.open(client)
    facts = about(server.work)
    facts["working"] = server.working
    modules.drop("rescue.link.hello rescue.link.log")  # a session is opened once
    return facts


def about(work):
    """What the helper is, as a dict for the host."""
    found = None
    if work.run is None:
        loaded = tuple(sys.modules)
        found = _left_unfinished(work.ports.store.root)
        modules.drop("rescue.engine.examine rescue.engine.common.journal rescuelink.chain rescuelink.seal", loaded)
    return {
        "protocol": rpc.PROTOCOL_VERSION,
        "agent": _AGENT_VERSION,
        "helper": work.config.get("helper", "helper"),
        "helper_id": work.ports.helper_id,
        "micropython": ".".join(str(part) for part in sys.implementation[1][:3]),
        "board": getattr(sys.implementation, "_machine", sys.platform),
        "capabilities": _CAPABILITIES.split(),
        "missing": list(work.ports.missing),
        "jobs": "any" if files.is_absent(work.ports.store.root + _TRUST) else "signed",
        "window_bytes": rpc.WINDOW_BYTES,
        "heap_free": heap_free(),
        "interrupted": found,
        "last_end": work.last_end,
    }


def _left_unfinished(root):
    # By the journals in the helper: the first unit that has an unfinished one.
    from rescue.engine.common.journal import NAME
    from rescue.engine.examine.resume import interrupted

    before, after = NAME[1:].split("%s")
    try:
        names = os.listdir(root)
    except OSError:
        return None
    for name in names:
        if name.startswith(before):
            found = interrupted((root,), name[len(before) : -len(after)])
            if found is not None:
                return found
    return None


def heap_free():
    """Bytes after a collection; None where the interpreter does not tell."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else None
