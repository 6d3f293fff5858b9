# The agent as it starts on a board; at its end it says how deep its calls lay within each other, in plain ones.
import micropython
import twin_opcodes as op
import twin_ports

import main


def nested(calls):
    return nested(calls - 1) if calls else micropython.stack_use()


class Depth:
    bytes = 0

    @classmethod
    def look(cls, opcode):
        # What is told as an event is put into JSON by the twin's own port: that depth is no board's.
        if opcode != op.EVENT and micropython.stack_use() > cls.bytes:
            cls.bytes = micropython.stack_use()


look, feed = twin_ports.Link.look, twin_ports.Link.feed
call, send, fetch = twin_ports.Link.call, twin_ports.Link.send, twin_ports.Link.fetch


def watched_look(self):
    Depth.look(op.CLOCK_US)
    return look(self)


def watched_feed(self):
    Depth.look(op.CLOCK_FEED)
    return feed(self)


def watched_call(self, opcode, small=0, number=0, wide=0):
    Depth.look(opcode)
    return call(self, opcode, small, number, wide)


def watched_send(self, opcode, small, number, payload, wide=0):
    Depth.look(opcode)
    return send(self, opcode, small, number, payload, wide)


def watched_fetch(self, opcode, small, number, wide, buffer):
    Depth.look(opcode)
    return fetch(self, opcode, small, number, wide, buffer)


twin_ports.Link.look, twin_ports.Link.feed = watched_look, watched_feed
twin_ports.Link.call, twin_ports.Link.send, twin_ports.Link.fetch = watched_call, watched_send, watched_fetch
call_bytes = (nested(20) - nested(10)) // 10
main.main()
print("deepest:", Depth.bytes / call_bytes, "calls of", call_bytes, "bytes")
