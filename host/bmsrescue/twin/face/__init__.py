"""Every screen of the dongle, drawn by the agent's own code on a real MicroPython, and the pictures of them."""
