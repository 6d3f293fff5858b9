"""Messages of the link: MessagePack-RPC shapes, and the few numbers both sides must agree on. See docs/protocol.md.

    [0, id, method, params]      request      params is an array
    [1, id, error, result]       response     error is nil or the map of `RescueError.to_dict`
    [2, method, params]          notification

A request with an id that was there before is that same request again (its answer was lost). It is never done again:
the newest one is answered again, an older one with the error "repeated".

The host is taken for lost when nothing came from it for `HOST_LOST_MS` of the agent's clock, and nothing comes in
`LAST_LOOK_MS` more: together less than the 2 s after which a unit without its host must be safe.
"""

from rescuelink.errors import LinkError

PROTOCOL_VERSION = 1
REQUEST = 0
RESPONSE = 1
NOTIFICATION = 2

HEARTBEAT_MS = 400  # how often the host says that it is there
HOST_LOST_MS = 1450  # how long it may be silent
LAST_LOOK_MS = 450  # and then once more, longer than the host's heart needs for a beat
ALIVE = "alive"  # the agent's event that asks for a beat before it gives the host up
REMEMBERED = 16  # request ids; a host keeps fewer requests than this in flight
WINDOW_BYTES = 2048  # of big data in one message: three buffers of this size are what the agent can spare


def check(message: object) -> list[object]:
    """`message` if it has one of the three shapes. Raises `LinkError` (malformed)."""
    if isinstance(message, list) and message:
        kind = message[0]
        if len(message) == 4 and isinstance(message[1], int):
            if kind == REQUEST and isinstance(message[2], str) and isinstance(message[3], list):
                return message
            if kind == RESPONSE and (message[2] is None or isinstance(message[2], dict)):
                return message
        if kind == NOTIFICATION and len(message) == 3 and isinstance(message[1], str):
            return message
    raise LinkError("malformed", "a frame holds no message of this protocol")
