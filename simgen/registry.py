"""From `{"kind": ..., fields}` to a plug-in: a validated dataclass out of a table, or one sentence of why not."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from simgen.errors import ConfigError, did_you_mean

T = TypeVar("T")


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
        raise ConfigError(f'{where}: expected a section with "kind", got {section!r}')
    fields = dict(section)
    kind = fields.pop("kind", None)
    if kind is None:
        raise ConfigError(f'{where}: expected a "kind"{did_you_mean("", table)}')
    if kind not in table:
        raise ConfigError(f'{where}.kind: unknown kind "{kind}"{did_you_mean(str(kind), table)}')
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


def _sentence(cls: type[Any], error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    place = ".".join(p for p in [where, *path] if p)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f'{place}: unknown key "{path[-1]}"{did_you_mean(path[-1], _fields_at(cls, path[:-1]))}'
    if first["type"] in ("missing", "missing_argument"):
        return f"{place}: required, but missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{place}: {message}"
    return f"{place}: {message[0].lower() + message[1:]}, got {first['input']!r}"


def _fields_at(cls: type[Any], path: list[str]) -> list[str]:
    """Return the names of the fields of the dataclass that `path` leads to inside `cls`."""
    for name in path:
        kinds = {f.name: f.type for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
        inner = kinds.get(name)
        options = getattr(inner, "__args__", (inner,))
        found = [o for o in options if isinstance(o, type) and dataclasses.is_dataclass(o)]
        if not found:
            return []
        cls = found[0]
    return [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
