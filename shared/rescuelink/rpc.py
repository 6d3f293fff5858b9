"""Messages of the link: MessagePack-RPC shapes, and the numbers both sides must agree on. See docs/protocol.md.

    [0, id, method, params]      request      params is an array
    [1, id, error, result]       response     error is nil or the map of `RescueError.to_dict`
    [2, method, params]          notification

A request with an id that was there before is that same request again (its answer was lost). It is never done again:
the newest one is answered again, an older one with the error "repeated".

The host is taken for lost when nothing came from it for `HOST_LOST_MS` of the agent's clock, and nothing comes in
`LAST_LOOK_MS` more: together less than the 2 s after which a unit without its host must be safe.

Nothing but constants: the agent's code is compiled with their values, and this module is never loaded.
"""

PROTOCOL_VERSION = 1
REQUEST = 0
RESPONSE = 1
NOTIFICATION = 2

HEARTBEAT_MS = 400  # how often the host says that it is there
HOST_LOST_MS = 1450  # how long it may be silent
LAST_LOOK_MS = 450  # and then once more, longer than the host's heart needs for a beat
ALIVE = "alive"  # the agent's event that asks for a beat before it gives the host up
DATA = "data"  # from the host: a window of the file that is being written, which is not answered
PART = "part"  # of an event that is larger than a frame
REMEMBERED = 16  # request ids; a host keeps fewer requests than this in flight
WINDOW_BYTES = 2048  # of big data in one message: three buffers of this size are what the agent can spare

HEAD_BYTES = 5  # of a frame: sync, length, check of the length
MAX_BODY_BYTES = 2048 + 256  # a window and what goes with it
JOB_BODY_BYTES = 320  # of what an agent hears while a job is under way, which needs the heap itself
TAIL_BYTES = 4  # CRC-32
