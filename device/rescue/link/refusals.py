# What a host is told when something is not done. The texts are long and seldom needed, so they are in the heap for that
# moment only.

from rescuelink import rpc
from rescuelink.codec import Reader
from rescuelink.errors import LinkError


def repeated():
    return LinkError("repeated", "this was done before, and its answer is no longer kept")


def busy():
    return LinkError("busy", "the helper is at work", next_step="wait, or cancel")


def too_large():
    return LinkError("too_large", "the helper's memory does not hold this", next_step="send less at once")


def no_session():
    return LinkError("no_session", "the session has not been opened", next_step="call hello first")


def tool(work, method, fault):
    """A fault of the agent's own, which stands in its log as well."""
    text = "%s: %s" % (fault.__class__.__name__, fault)
    from rescue.link.log import note

    note(work, "fault", "%s in %s" % (text, method))
    return LinkError("tool", text)


def unknown_method(method):
    return LinkError("unknown_method", "there is no method " + method[:40], next_step="see docs/protocol.md")


def number_of_params(method, least, most):
    return LinkError("bad_params", "%s takes %d to %d parameters" % (method, least, most))


def kind_of_param(method, index, value):
    what = "below 0 or above 2^32 - 1" if type(value) is int and value >> 32 else "a " + type(value).__name__
    message = "parameter %d of %s is %s" % (index + 1, method, what)
    return LinkError("bad_params", message, next_step="see docs/protocol.md")


def cancelling(is_idle, is_now):
    """The answer to "cancel"."""
    if is_idle:
        why = "nothing is under way"
    elif is_now:
        why = "nothing on the chip is half done"
    else:
        why = "a sector that has been erased is written and verified first"
    return {"when": "now" if is_now else "later", "why": why}


def too_much(body):
    """A request that the heap cannot hold, without its method."""
    if bytes(body[:2]) != b"\x94\x00":
        return [rpc.RESPONSE, None, None, None]  # it is none, and nobody waits for an answer
    return [rpc.REQUEST, Reader(body, 2).value(), None, None]
