# Start-up of the helper: the lines to the unit are made safe before anything else is loaded, then the dongle runs. It
# ends when a host asks for the interpreter's prompt or for a restart, or sends Ctrl-C.
#
# board.json lies beside this file on a board. On the unix port its path is the first argument; its "ports" names the
# module that opens the ports (default rescue.hal.board).

import json
import os
import sys

_DEFAULT_PORTS = "rescue.hal.board"
_TO_PROMPT = "to-prompt"  # a file: the next start is for the prompt


def _config():
    with open(sys.argv[1] if len(sys.argv) > 1 else "board.json") as file:
        return json.load(file)


def main():
    config = _config()
    name = config.get("ports", _DEFAULT_PORTS)
    __import__(name)
    ports = sys.modules[name].open(config)
    if _started_for_prompt():
        print("bmsrescue: started for the prompt; reset starts the agent")
        return
    try:
        ports.lines.release_all()
        from rescue.engine import modules
        from rescue.front.app import App

        modules.drop(_DEFAULT_PORTS)  # which has opened them
        wanted = App(ports, config).run()
    except KeyboardInterrupt:
        wanted = "repl"
    finally:
        # Also on a soft reset, which leaves pins as they are. After a fault of ours the watchdog starts the agent anew.
        ports.lines.release_all()
        ports.wire.release()
    if wanted == "reset":
        _reset()
    if wanted == "repl" and not ports.clock.stop_watchdog():
        # A watchdog that cannot be stopped would end whatever is done at the prompt: one more start, without it.
        with open(_TO_PROMPT, "w"):
            pass
        _reset()
    if wanted is not None:
        print("bmsrescue: left for " + wanted)


def _started_for_prompt():
    try:
        os.remove(_TO_PROMPT)
    except OSError:
        return False
    return True


def _reset():
    machine = sys.modules.get("machine")
    if hasattr(machine, "reset"):
        machine.reset()


if __name__ == "__main__":
    main()
