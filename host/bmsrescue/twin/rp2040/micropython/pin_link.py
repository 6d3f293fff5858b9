# The socket to the twin's wiring. Pin steps are collected until something must be known or time passes.


import pin_calls as call
from twin_link import Link

link = None
_steps = bytearray(480)
_count = 0


def connect(fd):
    global link
    link = Link(fd)


def step(code):
    global _count
    if _count == len(_steps):
        flush()
    _steps[_count] = code
    _count += 1


def look(code):
    step(code)
    return flush()


def flush():
    global _count
    count = _count
    _count = 0
    if not count:
        return 0
    return link.send(call.PINS, 0, 0, memoryview(_steps)[:count])


def plain(opcode, small=0, number=0, wide=0):
    flush()
    return link.call(opcode, small, number, wide)


def send(opcode, small, payload):
    flush()
    return link.send(opcode, small, 0, payload)


def fetch(opcode, small, number, buffer):
    flush()
    return link.fetch(opcode, small, number, 0, buffer)
