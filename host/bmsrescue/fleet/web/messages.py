"""Every text that stands in a template is a message of the catalogues, without being marked: none can be forgotten.

A message is what stands between two tags or statements, with {0}, {1}, ... for its expressions; so are the texts of
attributes that people see or hear, and the words that an expression chooses between. Tags without attributes that are a
part of a sentence (<code>) stay in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jinja2.ext import Extension

_TOKENS = re.compile(
    r"(?P<comment>\{#.*?#\}|<!--.*?-->)|(?P<expression>\{\{.*?\}\})|(?P<statement>\{%.*?%\})"
    r"|(?P<kept><(?:script|style)\b.*?</(?:script|style)>)"
    r"|(?P<inline></?(?:code|strong|em|b|br)>)"
    r"|(?P<tag><[/!a-zA-Z](?:\{\{.*?\}\}|\{%.*?%\}|[^>])*>)"
    r"|(?P<text>[^<{]+|.)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""(?<=[\s"}])(?P<name>aria-label|title|placeholder|alt|data-done)="(?P<text>(?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)\""""
)
_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_LITERAL = re.compile(r"""(?:(?<= or )|(?<= else )|(?=["'][^"']*["'] if ))(["'])([^"']*[a-z]{2}[^"']*)\1""")
_WORD = re.compile("[a-z]{2}")
_TAG = re.compile(r"</?[a-z]+>|&[a-z]+;")


class Messages(Extension):
    """For Jinja: each message of a template becomes a call of `_m` with its expressions."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return rewritten(source, lambda _message: None)


def rewritten(source: str, tell: Callable[[str], None]) -> str:
    """A template's source with its messages as calls; `tell` hears each of them."""
    done: list[str] = []
    run: list[tuple[str, str]] = []

    def flush() -> None:
        done.append(_called(run, tell))
        run.clear()

    for token in _TOKENS.finditer(source):
        kind, text = token.lastgroup or "", token.group()
        if kind in ("text", "expression", "inline"):
            run.append((kind, _literals(text, tell) if kind == "expression" else text))
            continue
        flush()
        done.append(_attributes(text, tell) if kind == "tag" else "" if kind == "comment" else text)
    flush()
    return "".join(done)


def _called(run: list[tuple[str, str]], tell: Callable[[str], None]) -> str:
    plain = "".join(text for kind, text in run if kind == "text")
    if not _WORD.search(_TAG.sub("", plain)):
        return "".join(text for _kind, text in run)
    whole = "".join(text for _kind, text in run)
    inside = whole.strip()
    before = whole[: whole.index(inside)]
    return before + _call(inside, tell) + whole[len(before) + len(inside) :]


def _attributes(tag: str, tell: Callable[[str], None]) -> str:
    def told(found: re.Match[str]) -> str:
        text = found["text"]
        if "{%" in text or not _WORD.search(_EXPRESSION.sub("", text)):
            return found.group()
        return f'{found["name"]}="{_call(_literals(text, tell), tell)}"'

    return _ATTRIBUTE.sub(told, tag)


def _literals(expression: str, tell: Callable[[str], None]) -> str:
    """Words that an expression chooses between: `"open" if it else "shut"`."""

    def told(found: re.Match[str]) -> str:
        tell(found[2])
        return f"_({found.group()})"

    return _LITERAL.sub(told, expression)


def _call(text: str, tell: Callable[[str], None]) -> str:
    arguments: list[str] = []

    def placed(found: re.Match[str]) -> str:
        arguments.append(found[1])
        return f"{{{len(arguments) - 1}}}"

    message = re.sub(r"\s+", " ", _EXPRESSION.sub(placed, text))
    tell(message)
    quoted = message.replace("\\", "\\\\").replace("'", "\\'")
    return "{{ _m(" + ", ".join([f"'{quoted}'", *(f"({one})" for one in arguments)]) + ") }}"


def filled(message: str, arguments: tuple[Any, ...]) -> str:
    """A message with its expressions in their places, in whatever order a language has them."""
    return re.sub(r"\{([0-9])\}", lambda found: str(arguments[int(found[1])]), message)
