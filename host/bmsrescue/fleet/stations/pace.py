"""How long a job still takes: learned from how long each step took at this bench, by the host's clock."""

from __future__ import annotations

_NEWEST = 0.3  # the weight of the newest time in a step's mean
_ROUNDED_S = 5


class Pace:
    """What the stations of a bench have seen; it begins anew with the daemon."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}

    def took(self, step: str, seconds: float) -> None:
        """A step has ended."""
        mean = self._means.get(step)
        self._means[step] = seconds if mean is None else mean + _NEWEST * (seconds - mean)

    def left_s(self, step: str, spent_s: float, course: list[str]) -> float | None:
        """Seconds after so many in a step; `course`: the steps in the order of a whole job. None: nobody knows."""
        if step not in self._means or step not in course:
            return None
        after = course[course.index(step) + 1 :]
        return max(0.0, self._means[step] - spent_s) + sum(self._means.get(one, 0.0) for one in after)


class JobPace:
    """One job at one station. Times in seconds of any steady clock."""

    def __init__(self, pace: Pace, course: list[str], now: float) -> None:
        self._pace = pace
        self._course = course
        self._began = self._since = now
        self._step: str | None = None
        self.spent_s = 0.0
        """Since the job began, when it was last looked at."""

    def at(self, step: str | None, now: float) -> None:
        """The step that the job is at now."""
        self.spent_s = now - self._began
        if step == self._step:
            return
        if self._step is not None:
            self._pace.took(self._step, now - self._since)
            if self._step not in self._course:
                self._course.append(self._step)
        self._step, self._since = step, now

    def told(self, now: float) -> dict[str, float | int | None]:
        """`left_s`: about, rounded up to 5 s. `share`: of the whole job, 0 to 1. None: nobody knows yet."""
        left = None if self._step is None else self._pace.left_s(self._step, now - self._since, self._course)
        if left is None:
            return {"left_s": None, "share": None}
        spent = now - self._began
        share = spent / (spent + left) if spent + left else 1.0
        return {"left_s": _ROUNDED_S * -int(-left // _ROUNDED_S), "share": round(share, 2)}
