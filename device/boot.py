# Before USB starts: whether this helper is a CMSIS-DAP probe as well is board.json's "dap" (docs/cmsis-dap.md). Without
# it nothing is loaded, and USB is the board's own.


def _start():
    import json

    try:
        with open("board.json") as file:
            kind = json.load(file).get("dap")
    except (OSError, ValueError):
        return
    if kind:
        try:
            from rescue.hal import usb_dap

            usb_dap.start(kind)
        except (ImportError, AttributeError, OSError, ValueError) as error:
            print("bmsrescue: this board's firmware makes no debug probe:", error)


_start()
del _start
