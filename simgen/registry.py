"""From `{"kind": ..., fields}` to a plug-in: a validated dataclass out of a table, or one sentence of why not."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from pydantic import TypeAdapter, ValidationError

from simgen.errors import ConfigError, did_you_mean

T = TypeVar("T")


class SectionError(ValueError):
    """A mistake inside of a section, found by a validator: its sentence goes on with the place inside."""


def build(table: Mapping[str, type[T]], section: Mapping[str, Any], where: str, root: Path | None = None) -> T:
    """Return the plug-in that a section describes.

    Args:
        table: the plug-ins by kind.
        section: {"kind": a key of the table, ...the plug-in's fields}.
        where: how the section is called in messages, e.g. "randomize.light".
        root: the folder that file names start from; given, the files are looked at, too.

    Raises:
        ConfigError: no or unknown kind, unknown field, or a value that does not fit.
    """
    if not isinstance(section, Mapping):
        raise ConfigError(f'{at(where)}expected a section with "kind", got {section!r}')
    fields = dict(section)
    kind = fields.pop("kind", None)
    if kind is None:
        raise ConfigError(f'{at(where)}expected a "kind"{did_you_mean("", table)}')
    if kind not in table:
        raise ConfigError(f'{at(where, "kind")}unknown kind "{kind}"{did_you_mean(str(kind), table)}')
    return validate(table[kind], fields, where, root)


def validate(cls: type[T], data: Any, where: str, root: Path | None = None) -> T:
    """Return `cls` made from plain data. Raises `ConfigError` with the first mistake as one sentence.

    `root` reaches the validators of the fields as their context.
    """
    try:
        valid: T = _adapter(cast(Any, cls)).validate_python(data, context=root)
    except ValidationError as error:
        raise ConfigError(_sentence(cls, error, where)) from None
    return valid


@cache
def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    """Return pydantic's validator of a class; it takes a good part of a millisecond to make."""
    return TypeAdapter(cls)


def at(*path: str) -> str:
    """Return the dotted place that a sentence starts with, and a colon; nothing for the top."""
    place = ".".join(part for part in path if part)
    return f"{place}: " if place else ""


def _sentence(cls: type[Any], error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    # A union puts the name of the alternative, which is no field, into the place.
    path = [str(part) for part in first["loc"] if isinstance(part, int) or _is_field(str(part))]
    kind, given, limits = first["type"], first["input"], first.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return f'{at(where, *path)}unknown key "{path[-1]}"{did_you_mean(path[-1], _fields_at(cls, path[:-1]))}'
    if kind in ("missing", "missing_argument"):
        if isinstance(first["loc"][-1], int):
            return f"{at(where, *path[:-1])}expected at least {first['loc'][-1] + 1} entries, got {given!r:.80}"
        return f"{at(where, *path)}required, but missing"
    message = first["msg"].removeprefix("Value error, ")
    if isinstance(limits.get("error"), SectionError):
        place, colon, rest = message.partition(": ")
        inner = colon and all(part.isidentifier() or part.isdigit() for part in place.split("."))
        return f"{at(where, *path, place)}{rest}" if inner else f"{at(where, *path)}{message}"
    if kind == "value_error":
        return f"{at(where, *path)}{message}"
    if kind == "literal_error":
        known = [option.strip("'") for option in str(limits["expected"]).replace(" or ", ", ").split(", ")]
        hint = did_you_mean(str(given), known).removesuffix(f" (known: {', '.join(sorted(known))})")
        return f'{at(where, *path)}expected one of {", ".join(known)}, got "{given}"{hint}'
    if kind in ("too_short", "too_long"):
        most, limit = ("at least", limits["min_length"]) if kind == "too_short" else ("at most", limits["max_length"])
        entries = "entry" if limit == 1 else "entries"
        return f"{at(where, *path)}expected {most} {limit} {entries}, got {limits['actual_length'] or 'none'}"
    if kind in _EXPECTED:
        expected = _EXPECTED[kind].format(**limits)
    else:
        expected = (message[0].lower() + message[1:]).replace("input should be", "expected")
    return f"{at(where, *path)}{expected}, got {given!r:.80}"


def _is_field(part: str) -> bool:
    return part.isidentifier() and part not in ("str", "int", "float", "bool")


_NUMBER, _WHOLE = "expected a number", "expected a whole number"
_BOOL, _LIST, _SECTION = "expected true or false", "expected a list", "expected a section"
_EXPECTED = {
    "greater_than": "expected a number > {gt:g}",
    "greater_than_equal": "expected a number >= {ge:g}",
    "less_than": "expected a number < {lt:g}",
    "less_than_equal": "expected a number <= {le:g}",
    "multiple_of": "expected a multiple of {multiple_of:g}",
    "finite_number": "expected a finite number",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "string_type": "expected a text",
    "string_too_short": "expected a text of at least {min_length} characters",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _SECTION,
    "mapping_type": _SECTION,
    "dataclass_type": _SECTION,
    "dataclass_exact_type": _SECTION,
    "is_instance_of": 'expected a section with "kind"',
    "none_required": "expected null",
    "path_type": "expected a path",
}
"""What pydantic's kinds of mistakes are called here."""


def _fields_at(cls: type[Any], path: list[str]) -> list[str]:
    """Return the names of the fields of the dataclass that `path` leads to inside `cls`, through lists as well."""
    for name in path:
        if name.isdigit():
            continue
        kinds = {f.name: f.type for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
        found = _sections_in(kinds.get(name))
        if not found:
            return []
        cls = found[0]
    return [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []


def _sections_in(kind: Any) -> list[type[Any]]:
    """Return the dataclasses that a field's type names, in their order."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return [kind]
    return [section for part in get_args(kind) for section in _sections_in(part)]
