"""Randomizations by name, from a YAML file, or from plain data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from simgen.config import load_section
from simgen.envs.domain.randomization import Randomization
from simgen.errors import ConfigError
from simgen.registry import validate

Source: TypeAlias = str | Path | Mapping[str, Any] | Randomization | None


def load_randomization(source: Source) -> tuple[Randomization, Path]:
    """Return a randomization, and the folder that its file names start from.

    Args:
        source: the name of a shipped one ("none", "low", "medium", "high"), a YAML file, or plain data.

    Raises:
        ConfigError: an unknown name, a missing file, or a mistake in it; one sentence.
    """
    if source is None:
        return Randomization(), Path()
    if isinstance(source, Randomization):
        return source, Path()
    if isinstance(source, Mapping):
        return validate(Randomization, dict(source), "randomization", Path()), Path()
    if not isinstance(source, str | Path):
        raise ConfigError(f"randomization: expected a name, a YAML file or a mapping, got {source!r:.80}")
    return load_section(Randomization, source, folder="randomization"), _root(source)


def _root(source: str | Path) -> Path:
    path = Path(source)
    return path.parent if path.suffix in (".yaml", ".yml") else Path()
