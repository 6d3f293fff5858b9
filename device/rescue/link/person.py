# A person at the host, in place of parts that this helper does without: an event "ask" tells what to do, "answer" of
# the link (server.py) brings what they say. The time that they have is the host's.

_LOOK_MS = 50
_MOST_MV = 100_000


class Person:
    """The `Person` port of a host's work; `limit_s`: how long it is waited for."""

    def __init__(self, work, limit_s):
        self._work = work
        self._limit_ms = limit_s * 1000
        self._number = 0

    def ask(self, what, text, is_so):
        """See hal/ports.py."""
        work = self._work
        ports, time = work.ports, work.host_time
        self._number += 1
        asked = {"words": [what], "scope": text, "unit": None, "by": "person", "given": False}
        asked["number"], asked["limit_s"] = self._number, self._limit_ms // 1000
        work.answered = None
        ports.observer.event("ask", asked)
        start = time.ms()
        answer = None
        server = work._server
        while answer is None and time.since_ms(start) < self._limit_ms:
            if getattr(server, "session", work) is None:
                break  # the host has gone, and its person with it
            if is_so is not None and is_so():
                answer = "seen"
                break
            ports.clock.sleep_ms(_LOOK_MS)  # the host is heard meanwhile
            server.pump(_LOOK_MS)
            if work.answered is not None and work.answered[0] == self._number:
                answer = self._meaning(what, work.answered[1])
        ports.observer.event("answer", {"words": [what], "answer": answer, "number": self._number})
        return answer

    def read(self, text):
        """What a person's meter reads, in mV; None where they cannot say."""
        mv = self.ask("meter", text, None)
        return mv if isinstance(mv, int) else None

    def _meaning(self, what, said):
        if what != "meter":
            return said if said in ("done", "cannot") else None
        if said.isdigit() and int(said) <= _MOST_MV:
            return int(said)
        return "cannot"
