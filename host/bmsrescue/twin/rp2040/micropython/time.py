# `time` for the unix port on the twin's virtual clock.

import pin_calls as call
import pin_link as link

_FALLS_SHIFT = 48
_US = (1 << _FALLS_SHIFT) - 1
_due = []


def _pass(us):
    answer = link.plain(call.TIME, 0, 0, us)
    now = answer & _US
    if answer >> _FALLS_SHIFT:
        import machine

        machine.told_falls(answer >> _FALLS_SHIFT)
    while _due and _due[0][0] <= now:
        _due.pop(0)[1](None)
    return now


def later(ms, callback):
    _due[:] = [(_pass(0) + ms * 1000, callback)]


def ticks_ms():
    return _pass(0) // 1000


def ticks_us():
    return _pass(0)


def ticks_diff(end, start):
    return end - start


def sleep_ms(ms):
    _pass(ms * 1000)


def sleep_us(us):
    _pass(us)
