# Which function a method is. "rails.read" is CALLS["read"] of rescue.link.calls_rails; a group is loaded when it is
# called, and the one before it dropped. CALLS = {name: (function, types)}: the function takes the bench and the
# parameters; `types` has one letter for each: i integer, s text, b boolean, B binary, a array, m map; what follows "?"
# may be left out or nil.

import sys

from rescue.engine import modules
from rescuelink.errors import LinkError

_GROUPS = "rails power lines target memory core flash options job card records helper"
_LETTERS = {int: "i", str: "s", bool: "b", memoryview: "B", list: "a", dict: "m"}


def find(method):
    """(function, types) of a method. Raises LinkError (unknown_method)."""
    group, _, name = method.partition(".")
    if group in _GROUPS.split():
        module = "rescue.link.calls_" + group
        if module not in sys.modules:
            modules.drop("rescue.link.calls_")
        calls = modules.load(module).CALLS
        if name in calls:
            return calls[name]
    raise LinkError("unknown_method", "there is no method " + method[:40], next_step="see docs/protocol.md")


def checked(params, types, method):
    """`params` if they are of `types`. Raises LinkError (bad_params)."""
    needed, _, optional = types.partition("?")
    letters = needed + optional
    if not len(needed) <= len(params) <= len(letters):
        raise LinkError("bad_params", "%s takes %d to %d parameters" % (method, len(needed), len(letters)))
    for index, value in enumerate(params):
        if value is None and index >= len(needed):
            continue
        if _LETTERS.get(type(value)) != letters[index]:
            message = "parameter %d of %s is a %s" % (index + 1, method, value.__class__.__name__)
            raise LinkError("bad_params", message, next_step="see docs/protocol.md")
    return params
