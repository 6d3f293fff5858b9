"""Reads job.json from its bytes: one reader for host and helper, so that both accept and refuse the same files.

Stricter than the json modules of either: a key given twice, NaN, a text cut in the middle or something behind the end
is an error with its line. Nothing here recurses, because a small helper has little stack.
"""

from rescuelink.errors import JobError
from rescuelink.fields import quoted

MAX_JOB_BYTES = 16384
_MAX_DEPTH = 8
_MAX_VALUES = 400  # that a helper's memory holds, with what the validator makes of them
_MAX_NUMBER = 20  # characters: 64 bits and a sign
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_SPACE = b" \t\r\n"
_NUMBER = b"+-.0123456789eE"
_LITERALS = ((b"true", True), (b"false", False), (b"null", None))
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_QUOTE, _COMMA, _COLON, _BRACE, _BRACE_END, _BRACKET, _BRACKET_END = b'",:{}[]'
_HEX = "0123456789abcdefABCDEF"
_CORRECT = "correct it there, or build the card anew"

# What may come next.
_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COMMA_OR_END = range(5)
_KEYS = bytes([_KEY, _KEY_OR_END])
_CLOSING = b"}]"


def check_size(size: int) -> None:
    """Raises `JobError` for a job.json of more bytes than a helper reads."""
    if size > MAX_JOB_BYTES:
        raise JobError(
            "job",
            "job.json has %d bytes, a helper reads %d at most" % (size, MAX_JOB_BYTES),
            next_step="take out what the job does not need",
        )


def parse_job(data: bytes) -> dict[str, object]:
    """The document in the bytes of job.json. Raises `JobError`, with the line."""
    check_size(len(data))
    for mark, name in _OTHER_BOMS:
        if data[:2] == mark:
            raise JobError("job", "job.json is %s text" % name, next_step="save it as UTF-8")
    document = _Reader(data, 3 if data[:3] == _BOM else 0).document()
    if not isinstance(document, dict):
        raise JobError("job", "job.json holds no JSON object", next_step="start it with { and the format")
    return document


def is_utf8(data: bytes) -> bool:
    """Whether it is UTF-8 in the strict sense of RFC 3629; MicroPython's own decoder lets through what it forbids."""
    at, end = 0, len(data)
    while at < end:
        first = data[at]
        count = 0 if first < 0x80 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        rest = data[at + 1 : at + 1 + count]
        if 0x80 <= first < 0xC2 or first > 0xF4 or len(rest) < count:
            return False
        for byte in rest:
            if byte & 0xC0 != 0x80:
                return False
        # Overlong forms, halves of a pair, and what lies above the last character.
        if (first == 0xE0 and rest[0] < 0xA0) or (first == 0xED and rest[0] > 0x9F):
            return False
        if (first == 0xF0 and rest[0] < 0x90) or (first == 0xF4 and rest[0] > 0x8F):
            return False
        at += 1 + count
    return True


def _is_number(text: str) -> bool:
    # RFC 8259, section 6, without its minus: what float() takes besides ("+1", "1.", "01") is no JSON.
    mantissa, mark, exponent = text.replace("E", "e").partition("e")
    whole, point, part = mantissa.partition(".")
    if exponent[:1] in ("+", "-"):
        exponent = exponent[1:]
    good = whole.isdigit() and (whole == "0" or whole[0] != "0")
    return good and part.isdigit() == bool(point) and exponent.isdigit() == bool(mark)


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._values = 0

    def document(self) -> object:
        # Characters are numbers here, and no tuple is made on the way: what is thrown away for each value would part
        # what is kept, until nothing long fits between.
        root: list[object] = []
        open_values: list[list[object] | dict[str, object]] = [root]
        keys: list[str] = [""]
        expected = _VALUE
        while True:
            here = open_values[-1]
            if here is root and root:
                if self._next() >= 0:
                    raise self._bad("something follows the end")
                return root[0]
            char = self._next()
            if char < 0:
                raise self._bad("the file ends early")
            closes = char in _CLOSING
            if expected in _KEYS:
                if char == _QUOTE:
                    keys[-1] = self._key(here)
                    expected = _VALUE
                    continue
                if char != _BRACE_END or expected == _KEY:
                    raise self._bad('a key in "..." belongs here')
            elif expected == _COMMA_OR_END:
                if char == _COMMA:
                    self._at += 1
                    expected = _KEY if isinstance(here, dict) else _VALUE
                    continue
                if char != (_BRACE_END if isinstance(here, dict) else _BRACKET_END):
                    raise self._bad("a comma is missing")
            if closes and expected != _VALUE:
                if expected == _VALUE_OR_END and char == _BRACE_END:
                    raise self._bad("] belongs here")
                self._at += 1
                open_values.pop()
                keys.pop()
                expected = _COMMA_OR_END
                continue
            value = self._value(char)
            if isinstance(here, dict):
                here[keys[-1]] = value
            else:
                here.append(value)
            expected = _COMMA_OR_END
            if isinstance(value, dict) or isinstance(value, list):  # noqa: SIM101 - a tuple would be made each time
                if len(open_values) > _MAX_DEPTH:
                    raise self._bad("objects are nested too deep")
                open_values.append(value)
                keys.append("")
                expected = _KEY_OR_END if isinstance(value, dict) else _VALUE_OR_END

    def _next(self) -> int:
        # The next character that is no white space; -1 at the end.
        data, at, end = self._data, self._at, len(self._data)
        while at < end and data[at] in _SPACE:
            at += 1
        self._at = at
        return data[at] if at < end else -1

    def _key(self, here: object) -> str:
        key = self._text()
        if isinstance(here, dict) and key in here:
            raise self._bad('"%s" is given twice' % quoted(key)[1:-1])
        if self._next() != _COLON:
            raise self._bad("a colon is missing")
        self._at += 1
        return key

    def _value(self, char: int) -> object:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise self._bad("more than %d values" % _MAX_VALUES)
        if char == _BRACE:
            self._at += 1
            return {}
        if char == _BRACKET:
            self._at += 1
            return []
        if char == _QUOTE:
            return self._text()
        for word, value in _LITERALS:
            if char == word[0] and self._data[self._at : self._at + len(word)] == word:
                self._at += len(word)
                return value
        return self._number()

    def _number(self) -> object:
        start = end = self._at
        while end < len(self._data) and self._data[end] in _NUMBER:
            end += 1
        text = bytes(self._data[start:end]).decode()
        digits = text[1:] if text[:1] == "-" else text
        if not digits[:1].isdigit():
            raise self._bad("no JSON value begins here")
        if len(text) > _MAX_NUMBER:
            raise self._bad("a number of %d characters" % len(text))
        self._at = end
        if not _is_number(digits):
            raise self._bad("%s is no number" % text)
        return int(text) if digits.isdigit() else float(text)

    def _text(self) -> str:
        # From its opening to its closing quote; what stands between escapes is taken in one piece.
        parts: list[str] = []
        start = self._at + 1
        while True:
            quote = self._data.find(b'"', start)
            if quote < 0:
                raise self._bad("a text has no end")
            escape = self._data.find(b"\\", start, quote)
            end = quote if escape < 0 else escape
            parts.append(self._plain(start, end))
            if escape < 0:
                self._at = quote + 1
                return "".join(parts)
            char, start = self._escape(escape + 1)
            parts.append(char)

    def _plain(self, start: int, end: int) -> str:
        piece = bytes(self._data[start:end])
        for byte in piece:
            if byte < 0x20:
                raise self._bad("a line end or control character in a text")
        if not is_utf8(piece):
            raise JobError("job", "job.json is not UTF-8 text", next_step="save it as UTF-8")
        return piece.decode("utf-8")

    def _escape(self, at: int) -> tuple[str, int]:
        # (the character, where it goes on)
        data = self._data
        char = chr(data[at]) if at < len(data) else ""
        if char != "u":
            if char not in _ESCAPES:
                raise self._bad("no such escape in a text")
            return _ESCAPES[char], at + 1
        code, at = self._hex(at + 1), at + 5
        if 0xD800 <= code < 0xDC00 and data[at : at + 2] == b"\\u":
            low, at = self._hex(at + 2), at + 6
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) if 0xDC00 <= low < 0xE000 else 0xD800
        if 0xD800 <= code < 0xE000:
            raise self._bad("half a character in a text")
        return chr(code), at

    def _hex(self, at: int) -> int:
        digits = [chr(byte) for byte in self._data[at : at + 4]]
        for digit in digits:
            if digit not in _HEX:
                raise self._bad("no such escape in a text")
        if len(digits) < 4:
            raise self._bad("no such escape in a text")
        return int("".join(digits), 16)

    def _bad(self, what: str) -> JobError:
        line = 1 + bytes(self._data[: self._at]).count(b"\n")
        return JobError("job", "job.json, line %d: %s" % (line, what), next_step=_CORRECT)
