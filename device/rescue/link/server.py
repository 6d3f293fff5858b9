# Serves the host: one request at a time, each answered once and repeated if its answer was lost. While a long call
# works, `pump` keeps listening: for the heartbeat, for "cancel", and to say "busy" to anything else.
#
# A method "rails.read" is the function of that name in CALLS of rescue.link.calls_rails; a group is loaded when it is
# first called. CALLS = {name: (function, types)}: the function takes the bench and the parameters; `types` has one
# letter for each: i integer, s text, b boolean, B binary, a array, m map; what follows "?" may be left out or nil.

import json
import sys

from rescue.link.bench import Bench
from rescuelink import rpc
from rescuelink.errors import LinkError, RescueError

_TYPES = {
    "i": (int,),
    "s": (str,),
    "b": (bool,),
    "B": (bytes, bytearray, memoryview),
    "a": (list,),
    "m": (dict,),
}
# What a fault of our own code or of the file system looks like: answered as an error, never the end of the server.
_OUR_FAULTS = (ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, OSError, TypeError, ValueError)
# Asked for in the middle of other work, these are done at once.
_AT_ANY_TIME = ("beat", "cancel", "status")


class Server:
    """Call `pump` often. `session` is the client's name while a host is there."""

    def __init__(self, ports, config, channel):
        self._channel = channel
        self._clock = ports.clock
        self._heard_ms = 0
        self._working_on = None  # id of the request being carried out
        self.session = None
        self.cancelled = False
        self.bench = Bench(ports, config, self)
        self._parked = b""  # a result too large for one frame, as JSON, fetched with "result"

    def pump(self, wait_ms=0):
        """Serve what has come, waiting at most `wait_ms` for it; notice a host that has gone."""
        if wait_ms:
            self._channel.wait(wait_ms)
        message = self._channel.receive()
        while message is not None:
            self._take(message)
            message = self._channel.receive()
        if self._channel.heard:
            self._channel.heard = False
            self._heard_ms = self._clock.ms()
        elif self.session is not None and self._clock.since_ms(self._heard_ms) > rpc.HOST_LOST_MS:
            self._close("the host has gone silent")

    def event(self, name, data):
        """Tell the host, if there is one. What it cannot take is lost: an event is never needed."""
        if self.session is None:
            return
        try:
            self._channel.notify(name, data)
        except (LinkError, OSError):
            return

    def _take(self, message):
        if message[0] == rpc.NOTIFICATION:
            if message[1] == "cancel":
                self.cancelled = True
            elif message[1] == "bye":
                self._close("the host has ended the session")
            return
        if message[0] != rpc.REQUEST:
            return
        number, method, params = message[1:]
        if number == self._working_on:
            return  # asked again out of impatience: the answer is on its way
        if number == self._channel.last:
            self._channel.answer_again()
            return
        if self._working_on is not None and method not in _AT_ANY_TIME:
            # Not kept as the answer to repeat: that is the running request's place.
            self._refuse(number, LinkError("busy", "the helper is at work", next_step="wait, or cancel"))
            return
        self._carry_out(number, method, params)

    def _carry_out(self, number, method, params):
        outer, self._working_on = self._working_on, number
        if outer is None:
            self.cancelled = False
        try:
            result = self._call(method, params)
        except RescueError as error:
            self._working_on = outer
            self._refuse(number, error)
            return
        except _OUR_FAULTS as error:
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
            self._working_on = outer
            self._refuse(number, LinkError("tool", "%s: %s" % (error.__class__.__name__, error)))
            return
        self._working_on = outer
        try:
            self._channel.answer(number, None, result)
        except LinkError as error:
            if error.kind != "too_large":
                self._refuse(number, error)
                return
            self._parked = json.dumps(result).encode()
            self._channel.answer(number, None, {"parked": len(self._parked)})

    def _refuse(self, number, error):
        self._channel.answer(number, error.to_dict(), None)

    def _call(self, method, params):
        if method == "hello":
            return self._hello(*checked(params, "is", method))
        if self.session is None:
            raise LinkError("no_session", "the session has not been opened", next_step="call hello first")
        if method == "beat":
            return None
        if method == "cancel":
            self.cancelled = True
            return None
        if method == "result":
            (offset,) = checked(params, "i", method)
            return memoryview(self._parked)[offset : offset + rpc.WINDOW_BYTES]
        self._parked = b""
        function, types = find(method)
        return function(self.bench, *checked(params, types, method))

    def _hello(self, version, client):
        if version != rpc.PROTOCOL_VERSION:
            message = "the host speaks version %d of the link, this agent version %d" % (version, rpc.PROTOCOL_VERSION)
            raise LinkError("version", message, next_step="bring both to the same release: bmsrescue deploy")
        if self.session is not None and self.session != client:
            self._close("another host has taken over")
        self.session = client
        self._heard_ms = self._clock.ms()
        return self.bench.about()

    def _close(self, why):
        self.session = None
        self.bench.host_gone(why)


def find(method):
    """(function, types) of a method. Raises LinkError (unknown_method)."""
    group, dot, name = method.partition(".")
    if dot and group.isalpha():
        module = "rescue.link.calls_" + group
        try:
            __import__(module)
        except ImportError:
            pass
        else:
            calls = sys.modules[module].CALLS
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
        kinds = _TYPES[letters[index]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and letters[index] != "b"):
            message = "parameter %d of %s is a %s" % (index + 1, method, value.__class__.__name__)
            raise LinkError("bad_params", message, next_step="see docs/protocol.md")
    return params
