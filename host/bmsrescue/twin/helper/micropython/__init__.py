"""What is put on the child's path in place of the helper's own hardware; runs on MicroPython."""
