"""`{"kind": name, ...arguments}` of a config or a model file, and a table of constructors: what it names is built."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from simgen.errors import CheckpointError, did_you_mean

Made = TypeVar("Made")


def build_kind(table: Mapping[str, Callable[..., Made]], section: Any, what: str, **given: Any) -> Made:
    """Return `table[section["kind"]](**arguments, **given)`.

    Args:
        table: constructors by name.
        section: {"kind": name, ...arguments}.
        what: the section's name, for messages.
        given: further arguments, which a section cannot set.

    Raises:
        CheckpointError: an unknown kind, or arguments that it does not take.
    """
    arguments = dict(section) if isinstance(section, Mapping) else {}
    kind = str(arguments.pop("kind", ""))
    if kind not in table:
        raise CheckpointError(f"{what}: there is no kind {kind!r:.60}{did_you_mean(kind, table)}")
    _check_arguments(table[kind], arguments, f"{what} {kind}", given)
    try:
        return table[kind](**arguments, **given)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise CheckpointError(f"{what} {kind}: these arguments do not build it: {problem}") from None


def _check_arguments(
    make: Callable[..., Any], arguments: Mapping[str, Any], where: str, given: Mapping[str, Any]
) -> None:
    known = inspect.signature(make).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for name, value in arguments.items():
        if name not in known or name in given:
            if open_ended:
                continue
            raise CheckpointError(f'{where}: unknown key "{name}"{did_you_mean(name, {*known} - {*given})}')
        _check_value(known[name].annotation, value, f"{where}.{name}")


def _check_value(annotation: Any, value: Any, where: str) -> None:
    if annotation is int and not _is_count(value):
        raise CheckpointError(f"{where}: expected a whole number >= 1, got {value!r:.60}")
    if annotation is bool and not isinstance(value, bool):
        raise CheckpointError(f"{where}: expected true or false, got {value!r:.60}")
    if annotation is float and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise CheckpointError(f"{where}: expected a number, got {value!r:.60}")
    counts = isinstance(value, list | tuple) and value and all(_is_count(v) for v in value)
    if annotation == Sequence[int] and not counts:
        raise CheckpointError(f"{where}: expected a list of whole numbers >= 1, got {value!r:.60}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
