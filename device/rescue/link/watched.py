# The clock and the observer that work gets while a host may be there: waiting is also listening, and what is told goes
# to the host as well. Both are where work may be stopped.

_SLICE_MS = 20


class WatchedClock:
    """The helper's clock, whose waiting is also listening. sleep_ms raises Stopped."""

    def __init__(self, clock, bench):
        self._clock = clock
        self._bench = bench
        self.ms = clock.ms
        self.us = clock.us
        self.since_ms = clock.since_ms
        self.sleep_us = clock.sleep_us

    def feed(self):
        # Called all the while the rails rise, when nobody sleeps: a host that watches them wants these most.
        self._clock.feed()
        self._bench.tell_rails()

    def sleep_ms(self, duration):
        while duration > 0:
            self._bench.listen()
            piece = min(duration, _SLICE_MS)
            self._clock.sleep_ms(piece)
            duration -= piece


class Events:
    """What the engine tells goes to the host too. event() raises Stopped at the engine's safe points."""

    def __init__(self, observer, bench):
        self._observer = observer
        self._bench = bench

    def event(self, name, data):
        self._observer.event(name, data)
        if name == "safe-point":
            self._bench.between_sectors()
            return
        self._bench.tell(name, data)
        if name == "progress":
            self._bench.listen()
        elif name == "step" and data["name"] in ("safe-off", "record"):
            self._bench.wind_down()
