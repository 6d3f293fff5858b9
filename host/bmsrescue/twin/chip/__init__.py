"""A simulated STM32H725VGT6, seen through its pins."""
