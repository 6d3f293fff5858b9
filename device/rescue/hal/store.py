# The helper's own flash, for the mirror of the journal and the records.

import os

from rescuelink.errors import RescueError


class Store:
    root = "/flash"

    def __init__(self):
        try:
            os.stat(self.root)
        except OSError:
            try:
                os.mkdir(self.root)
            except OSError as error:
                raise RescueError("tool", "the helper's own flash cannot be written (%s)" % error) from None
