"""The unit's board around the chip: supply, rails, power latch, reset net, button, LEDs and display."""
