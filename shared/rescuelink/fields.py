"""Reads a JSON object key by key, and says which key is wrong and what to do about it.

Every reader raises `JobError` whose message begins with the path of the key ("image.segments[1].address").
"""

from rescuelink.errors import JobError

_HEX_DIGITS = "0123456789abcdef"
_LONGEST_NUMBER = 20  # characters: 64 bits
_SHOWN = 40


def bad(path: str, what: str, next_step: str) -> JobError:
    """The error for one key: `path` where, `what` is wrong, `next_step` for the person who wrote the job."""
    return JobError("job", path + ": " + what, next_step=next_step)


def quoted(text: str) -> str:
    """`text` as a sentence shows it: its first characters, without control ones, the same on both sides."""
    shown = "".join(["?" if char < " " or "\x7f" <= char < "\xa0" else char for char in text[:_SHOWN]])
    return "'" + shown + ("..'" if len(text) > _SHOWN else "'")


def is_decimal(text: str) -> bool:
    """Whether it is digits as a person writes them: ASCII, no zero in front, few."""
    return (
        0 < len(text) <= _LONGEST_NUMBER
        and all(char in _HEX_DIGITS[:10] for char in text)
        and (text[0] != "0" or len(text) == 1)
    )


class Fields:
    """One JSON object at `path`. Call `end()` when all keys were read: it refuses keys nobody asked for."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise bad(path or "job", "is not an object", "write it as {...}")
        self._value: dict[object, object] = value
        self._path = path
        self._seen: list[str] = []

    def path(self, key: str) -> str:
        return self._path + "." + key if self._path else key

    def names(self) -> list[str]:
        """The keys, in one order everywhere: for an object whose keys are the job's own names."""
        return sorted([str(key) for key in self._value])

    def has(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str) -> object:
        self._seen.append(key)
        if key not in self._value:
            raise bad(self.path(key), "is missing", "add it")
        return self._value[key]

    def text(self, key: str, default: str | None = None) -> str:
        if default is not None and not self.has(key):
            return default
        value = self.raw(key)
        if not isinstance(value, str):
            raise bad(self.path(key), "is not a text", 'write it as "..."')
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise bad(
                self.path(key),
                "is " + quoted(value),
                "use one of: " + ", ".join([choice for choice in choices if choice]),
            )
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number in [low, high], as a JSON number or as a text such as "0x08000000"."""
        if default is not None and not self.has(key):
            return default
        value = self.raw(key)
        path = self.path(key)
        if isinstance(value, str):
            number = _parse_int(value, path)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise bad(path, "is not a whole number", 'write it as 123 or "0x7b"')
        if not low <= number <= high:
            raise bad(path, "is %d (0x%x)" % (number, number), "keep it between %d and %d" % (low, high))
        return number

    def sha256(self, key: str) -> str:
        value = self.text(key).lower()
        if len(value) != 64 or any(digit not in _HEX_DIGITS for digit in value):
            raise bad(self.path(key), "is not a SHA-256", "write the 64 hexadecimal digits")
        return value

    def array(self, key: str, most: int, default_empty: bool = False) -> list[object]:
        """A list of at most `most` entries: what a helper's memory holds."""
        if default_empty and not self.has(key):
            return []
        value = self.raw(key)
        if not isinstance(value, list):
            raise bad(self.path(key), "is not a list", "write it as [...]")
        if len(value) > most:
            raise bad(self.path(key), "has %d entries" % len(value), "a helper takes %d at most" % most)
        return value

    def object(self, key: str, default_empty: bool = False) -> "Fields":
        if default_empty and not self.has(key):
            return Fields({}, self.path(key))
        return Fields(self.raw(key), self.path(key))

    def end(self) -> None:
        # The first by name: what comes first in a dict differs between host and helper.
        unknown = sorted([str(key) for key in self._value if key not in self._seen])
        if unknown:
            raise bad(self.path(quoted(unknown[0])[1:-1]), "is not known", "remove it or correct its spelling")


def _parse_int(text: str, path: str) -> int:
    digits, base = (text[2:], 16) if text[:2].lower() == "0x" else (text, 10)
    # int() alone would also take "1_000", " 7 " and "-0x1".
    if not 0 < len(digits) <= _LONGEST_NUMBER or any(digit not in _HEX_DIGITS[:base] for digit in digits.lower()):
        raise bad(path, "is " + quoted(text), 'write it as 123 or "0x7b"')
    return int(digits, base)
