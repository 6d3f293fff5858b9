# Start-up of the helper: the lines to the unit are made safe before anything else is loaded, then the dongle runs. It
# ends when a host asks for the interpreter's prompt or for a restart.
#
# board.json lies beside this file on a board. On the unix port its path is the first argument; its "ports" names the
# module that opens the ports (default rescue.hal.board).

import json
import sys

_DEFAULT_PORTS = "rescue.hal.board"


def _config():
    with open(sys.argv[1] if len(sys.argv) > 1 else "board.json") as file:
        return json.load(file)


def main():
    config = _config()
    name = config.get("ports", _DEFAULT_PORTS)
    __import__(name)
    ports = sys.modules[name].open(config)
    try:
        ports.lines.release_all()
        from rescue import app

        wanted = app.run(ports, config)
    finally:
        # Also on a soft reset or Ctrl-C, which leave pins as they are.
        ports.lines.release_all()
        ports.wire.release()
    if wanted == "reset" and hasattr(sys.modules.get("machine"), "reset"):
        sys.modules["machine"].reset()
    if wanted is not None:
        print("bmsrescue: left for " + wanted)


if __name__ == "__main__":
    main()
