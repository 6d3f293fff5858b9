# Serves the host: one request at a time, each carried out once and answered again if its answer was lost. While a long
# call works, `pump` keeps listening: for the heartbeat, for "cancel", and to say "busy" to anything else.

import sys

from micropython import const

from rescue.engine import modules
from rescue.engine.own_faults import OUR_FAULTS
from rescue.link.host_work import HostWork
from rescuelink import rpc
from rescuelink.errors import LinkError, RescueError, Stopped

# Asked for in the middle of other work, these are done at once.
_AT_ANY_TIME = ("beat", "cancel", "status", "hello", "answer")
_IN_A_ROW = const(64)
_LINGER_MS = const(4)  # a host that calls once often calls again: the way up to the button and back costs more
_MESSAGE_LETTERS = const(400)  # of an error: its text may quote what the host sent
# A method "rails.read" is CALLS["read"] of rescue.link.methods.rails: (function, types). The function takes the host's
# work and its parameters; `types` has one letter for each, what follows "?" may be left out or nil. Integers are below
# 2^32.
_GROUPS = "rails power lines target memory core flash options job card records helper probe"
_LETTERS = {int: "i", str: "s", bool: "b", memoryview: "B", list: "a", dict: "m"}


class Server:
    """Call `wait` and `carry_out`, or `pump`, often. `session` is the client's name while a host is there.

    A board's stack holds some thirty calls within each other. So what a host asks for while nothing is under way is
    only taken note of where it arrives, in `asked`, and carried out by whoever waited, further up.
    """

    def __init__(self, ports, config, channel):
        self._channel = channel
        self._clock = ports.clock
        self._heard = False  # the host has said something since the last look at the clock
        self._heard_ms = 0
        self._done = []  # ids of the newest requests, so that none is carried out twice
        self._request = None  # id of the request being carried out
        self.asked = None  # (id, method, parameters) to be carried out next
        self._parked = 0  # bytes of a result too large for one frame, fetched with "result"
        self.working = None  # its method
        self.occupied = None  # why no session can be opened now
        self.session = None
        self.work = HostWork(ports, config, self, channel)
        self.work.host_time = channel.stream

    def wait(self, ms):
        """Until something is to be carried out, at most `ms`, or until the agent is to end."""
        stream = self._channel.stream
        start = stream.ms()
        while self.asked is None and self.work.leave is None:
            left = ms - stream.since_ms(start)
            if left <= 0:
                return
            self.pump(left)

    def carry_out(self):
        """What was asked for, and some of what comes soon after."""
        for _ in range(_IN_A_ROW):
            if self.asked is None or self.work.leave is not None:
                return
            request, self.asked = self.asked, None
            self._carry_out(*request)
            if not self._take_all():
                self.wait(_LINGER_MS)

    def pump(self, wait_ms=0):
        """Serve what has come, waiting at most `wait_ms` for it; notice a host that has gone."""
        if wait_ms:
            self._channel.stream.wait(wait_ms)
        if not self._take_all() and self.session is not None and self._silent():
            self._last_look()
        if self.work.rails_stream is not None:
            self.work.rails_stream.look(self.work)

    def event(self, name, data):
        """Tell the host, if there is one, in one frame or in parts."""
        if self.session is None:
            return
        try:
            self._channel.notify(name, data)
        except LinkError:
            from rescue.link.large_values import tell

            tell(self._channel, name, data)

    def _silent(self):
        # The clock is asked only when there is nothing to do: asking it takes time where it is not the board's own.
        if self._heard:
            self._heard = False
            self._heard_ms = self._clock.ms()
            return False
        return self._clock.since_ms(self._heard_ms) > rpc.HOST_LOST_MS

    def _last_look(self):
        # A host that is there answers with a beat at once. What has come may be half a frame, or noise.
        stream = self._channel.stream
        self.event(rpc.ALIVE, None)
        start = stream.ms()
        while self._silent():
            left = rpc.LAST_LOOK_MS - stream.since_ms(start)
            if left <= 0:
                self._close("the host has gone silent")
                return
            stream.wait(left)
            self._take_all()

    def _take_all(self):
        # True if there was anything.
        message = self._channel.receive()
        if message is None:
            return False
        while message is not None:
            self._take(message)
            message = None if self.asked else self._channel.receive()
        return True

    def _take(self, message):
        kind = message[0]
        name = message[2] if kind == rpc.REQUEST else message[1]
        if kind == rpc.RESPONSE:
            return
        if name != "hello":  # somebody else's hello does not keep a silent host's session
            self._heard = True
        if kind == rpc.NOTIFICATION:
            if name == "cancel":
                self.work.cancel()
            elif name == rpc.DATA and self._request is None and self.work.file is not None:
                self.work.file.take(message[2])
            elif name == "bye":
                self._close("the host has ended the session")
            return
        number = message[1]
        if number == self._request:
            return  # asked again out of impatience: the answer is on its way
        if number == self._channel.last:
            self._channel.answer_again()
        elif number in self._done:
            from rescue.link.refusals import repeated

            self._refuse(number, repeated())
        elif self._request is not None and name not in _AT_ANY_TIME:
            from rescue.link.refusals import busy

            self._refuse(number, busy())
        elif self._request is None and self.occupied is None and name not in _AT_ANY_TIME:
            self.asked = number, name, message[3]
        else:
            self._carry_out(number, name, message[3])

    def _carry_out(self, number, method, params):
        outer, outer_method = self._request, self.working
        self._request = number
        if outer is None and method not in _AT_ANY_TIME:
            self.working = method
            self.work.begin()
        self._done.append(number)
        if len(self._done) > rpc.REMEMBERED:
            self._done.pop(0)
        error = None
        try:
            if self.work.run is None:
                self._channel.widen()  # where it had no room at the end of a job
            function, given = self._found(method, params)
            result = given if function is None else function(self.work, *given)
            if outer is None:
                self._channel.close_window()
            self._answer(number, result)
        except RescueError as fault:
            error = fault
        except Stopped as stopped:
            self.work.stopped(method)
            error = LinkError(stopped.kind, stopped.message, next_step=stopped.next_step)
        except OUR_FAULTS as fault:
            sys.print_exception(fault)
            from rescue.link.refusals import tool

            error = tool(self.work, method, fault)
        if error is not None:
            if outer is None:
                self._channel.close_window()
            self._refuse(number, error)
        self._request, self.working = outer, outer_method

    def _answer(self, number, result):
        try:
            self._channel.answer(number, None, result)
        except LinkError as error:
            if error.kind != "too_large":
                raise
            from rescue.link.large_values import park

            self._parked = park(self.work.ports.store.root, result)
            self._channel.answer(number, None, {"parked": self._parked})

    def _refuse(self, number, error):
        facts = error.to_dict()
        facts["message"] = error.message[:_MESSAGE_LETTERS]
        if hasattr(error, "done"):
            facts["done"] = error.done
        self._channel.answer(number, facts, None)

    def _found(self, method, params):
        # (function, parameters), or (None, result) of what the server answers by itself.
        if method == "hello":
            from rescue.link.hello import hello

            return None, hello(self, *_checked(params, "is", method))
        if method is None:
            raise LinkError("too_large", "the helper's memory does not hold this", next_step="send less at once")
        if self.session is None:
            from rescue.link.refusals import no_session

            raise no_session()
        if method == "beat":
            return None, None
        if method == "cancel":
            return None, self.work.cancel()
        if method == "answer":
            self.work.answered = _checked(params, "is", method)
            return None, None
        if method == "status":
            return None, {"session": self.session, "working": self.working, "on": self.work.is_on()}
        if method == "result":
            (offset,) = _checked(params, "i", method)
            if offset >= self._parked:
                return None, b""
            view = self.work.window(rpc.WINDOW_BYTES)
            from rescue.link.large_values import window

            return None, window(self.work.ports.store.root, offset, view)
        self._parked = 0
        function, types = _find(method)
        return function, _checked(params, types, method)

    def open(self, client):
        """A session with the host of that name."""
        self._heard = True
        self.session = client
        self._channel.stream.session(True)

    def _close(self, why):
        if self.session is None:
            return
        self.session = None
        self._channel.stream.session(False)
        self.work.host_gone(why, self.working)


def _find(method):
    """(function, types) of a method. Raises LinkError (unknown_method)."""
    group, _, name = method.partition(".")
    module = "rescue.link.methods." + group
    if module not in sys.modules and group in _GROUPS.split():
        modules.drop("rescue.link.methods.")  # only the group that was called last is in the heap
        modules.load(module)
    if module in sys.modules:
        calls = sys.modules[module].CALLS
        if name in calls:
            return calls[name]
    from rescue.link.refusals import unknown_method

    raise unknown_method(method)


def _checked(params, types, method):
    """`params` if they are of `types`. Raises LinkError (bad_params)."""
    needed, _, optional = types.partition("?")
    letters = needed + optional
    if not len(needed) <= len(params) <= len(letters):
        from rescue.link.refusals import number_of_params

        raise number_of_params(method, len(needed), len(letters))
    for index, value in enumerate(params):
        if value is None and index >= len(needed):
            continue
        letter = _LETTERS.get(type(value))
        if letter != letters[index] or (letter == "i" and value >> 32):  # -1 >> 32 is -1
            from rescue.link.refusals import kind_of_param

            raise kind_of_param(method, index, value)
    return params
