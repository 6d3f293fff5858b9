# The ports of rescue.hal.board over the stand-in `machine`, with the twin's observer and a folder as internal flash.

import bench_calls as call
import bench_link as bench
from twin_ports import Observer

_NAMES = 900


class _Events:
    def send(self, _opcode, more, _number, part):
        bench.send(call.EVENT, more, part)


class _Names:
    pass


def _grow_name_table():
    # The stand-ins' names bring the interpreter's table over 1260, where it needs 14 KiB in one piece: taken now, while
    # the heap is whole.
    for index in range(_NAMES):
        setattr(_Names, "name%d" % index, None)


def open(config):  # noqa: A001 - the name that every ports module has
    _grow_name_table()
    bench.connect(config["socket"])
    from rescue.hal import board, store

    store.Store.root = config["folder"] + "/flash"
    ports = board.open(config)
    ports.observer = Observer(_Events())
    ports.stream = None
    return ports
