# A clock that stands still unless somebody waits, and a panel that keeps what it was told: for the scripts beside it.


class Clock:
    now = 0

    def ms(self):
        return self.now

    def us(self):
        return self.now * 1000

    def since_ms(self, start):
        return self.now - start

    def sleep_ms(self, n):
        self.now += n

    def feed(self):
        pass


class Panel:
    # Pressed while the clock is inside one of `presses`.
    def __init__(self, clock):
        self.clock = clock
        self.presses = []
        self.pictures = []
        self.lights = []
        self.beeps = []

    def show(self, picture):
        self.pictures.append(bytes(picture))

    def led(self, *colour):
        self.lights.append(colour)

    def beep(self, ms):
        self.beeps.append(ms)

    def pressed(self):
        return any(start <= self.clock.now < end for start, end in self.presses)
