# The ports of rescue.hal.board over the stand-in `machine`, with the twin's observer and a folder as internal flash.

import pin_calls as call
import pin_link as link
from twin_ports import Observer


class _Events:
    def send(self, _opcode, more, _number, part):
        link.send(call.EVENT, more, part)


def open(config):  # noqa: A001 - the name that every ports module has
    link.connect(config["socket"])
    from rescue.hal import board, store

    store.Store.root = config["folder"] + "/flash"
    ports = board.open(config)
    ports.observer = Observer(_Events())
    ports.stream = None
    return ports
