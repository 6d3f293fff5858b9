# The dongle's face: button, light, sound, display.
