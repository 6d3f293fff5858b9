"""What the agent's modules import from MicroPython, for the few of them that also run on CPython.

Only `const` and the code-emitter decorators: on CPython a constant is a value and a decorated function is itself.
"""

from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


def const(value: _T) -> _T:
    """Return `value`; on MicroPython the compiler folds it."""
    return value


def native(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`; on MicroPython it is compiled to machine code."""
    return function


def viper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`; on MicroPython it is compiled to machine code on native integers."""
    return function
