"""The virtual helper board: a real MicroPython as a child process, and the ports it is served."""
