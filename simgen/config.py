"""Gathers the sections' own dataclasses into one config, and reads it from YAML.

`load` takes a YAML file or the name of a shipped scene, applies `a.b=c` overrides, and reports the first mistake as one
sentence with its line. `load_section` does the same for any other settings file.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from simgen.annotate import Labels
from simgen.errors import ConfigError, did_you_mean
from simgen.randomize import RANDOMIZERS, Randomizer
from simgen.registry import build, validate
from simgen.render import RENDERERS, Renderer
from simgen.scene import STRICT, Plain
from simgen.world import Physics

T = TypeVar("T")


@dataclass(frozen=True, config=STRICT)
class Output:
    """What is written of a sample.

    Attributes:
        size_wh: of the image, pixels.
        image: "jpg" or "png".
        quality: of the JPEG files.
        depth: whether depth images are written (uint16, millimetres).
        instances: whether instance images are written (uint16).
    """

    size_wh: tuple[Annotated[int, Field(ge=8, le=8192)], Annotated[int, Field(ge=8, le=8192)]] = (640, 640)
    image: Annotated[str, Field(pattern="^(jpg|png)$")] = "jpg"
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    depth: bool = False
    instances: bool = False


@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class Config:
    """A scene generator.

    Attributes:
        classes: the class names in the order of their ids.
        randomize: the randomizers by name, in the order in which they run.
        redraws: how often a scene that cannot be used (unsettled, nothing to see) is drawn again.
        source: the plain data that the config was read from: its identity.
        root: the folder that relative file names start from.
    """

    classes: tuple[str, ...]
    randomize: dict[str, Any]
    output: Output = Output()
    physics: Physics = Physics()
    render: Any = None
    labels: Labels = Labels()
    redraws: int = 10
    source: Plain = dataclasses.field(default_factory=dict)
    root: Path = Path()


def load(config: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Return the config of a YAML file or of a shipped scene (`dice`, `digits`, ...).

    Args:
        config: a path that ends in .yaml or .yml, or a name.
        overrides: "a.b=c" each; c is YAML.

    Raises:
        ConfigError: missing or malformed file, unknown key or kind, value out of range; one sentence, with the line.
    """
    text, where, root = _read(config, "scenes")
    data = _parsed(text, where)
    for override in overrides:
        _override(data, override)
    with _Lines(text, where):
        return _config(data, root)


def from_dict(data: Plain, root: Path = Path()) -> Config:
    """Return the config of plain data, as `Config.source` has it. Raises `ConfigError`."""
    return _config(data, root)


def load_section(cls: type[T], config: str | Path, overrides: Sequence[str] = (), folder: str = "train") -> T:
    """Return settings of one dataclass from a YAML file or a name shipped in assets/`folder`. Raises `ConfigError`."""
    text, where, _ = _read(config, folder)
    data = _parsed(text, where)
    for override in overrides:
        _override(data, override)
    with _Lines(text, where):
        return validate(cls, data, "")


def _config(data: Plain, root: Path) -> Config:
    sections = dict(data)
    known = {f.name for f in dataclasses.fields(Config)} - {"source", "root"}
    for key in sections:
        if key not in known:
            raise ConfigError(f'{key}: unknown key "{key}"{did_you_mean(str(key), known)}')
    randomize = sections.pop("randomize", None)
    if not isinstance(randomize, Mapping) or not randomize:
        raise ConfigError(f"randomize: expected a mapping of randomizers, got {randomize!r}")
    built: dict[str, Randomizer] = {}
    for name, section in randomize.items():
        if section is False:
            continue  # `--set randomize.tray=false` takes a randomizer out
        fields = {"kind": name, **(section or {})} if isinstance(section, Mapping | None) else section
        built[str(name)] = build(RANDOMIZERS, fields, f"randomize.{name}", root)
    _require_known_classes(built, sections.get("classes"))
    render = sections.pop("render", None) or {"kind": "tiny"}
    renderer: Renderer = build(RENDERERS, {"kind": "tiny", **render}, "render")
    return validate(Config, {**sections, "randomize": built, "render": renderer, "source": data, "root": root}, "")


def _require_known_classes(randomizers: Mapping[str, Randomizer], classes: Any) -> None:
    for name, randomizer in randomizers.items():
        for used in getattr(randomizer, "class_names", ()):
            if isinstance(classes, list | tuple) and used not in classes:
                raise ConfigError(f'randomize.{name}: "{used}" is not among the classes{did_you_mean(used, classes)}')


def _read(config: str | Path, folder: str) -> tuple[str, str, Path]:
    """Return the text, how messages call it, and the folder it stands in."""
    path = Path(config)
    if path.suffix in (".yaml", ".yml"):
        try:
            return path.read_text("utf-8"), str(config), path.parent
        except FileNotFoundError:
            raise ConfigError(f'config "{config}": there is no such file') from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f'config "{config}": expected a readable YAML text, got {error}') from None
    shipped = resources.files("simgen.assets") / folder
    names = sorted(entry.name.removesuffix(".yaml") for entry in shipped.iterdir() if entry.name.endswith(".yaml"))
    if str(config) not in names:
        hint = did_you_mean(str(config), names)
        raise ConfigError(f'config "{config}": expected a .yaml file or the name of a shipped one{hint}')
    with resources.as_file(shipped) as place:
        return (place / f"{config}.yaml").read_text("utf-8"), f"{config}", place


def _parsed(text: str, where: str) -> Plain:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ":"
        raise ConfigError(f"{where}{line} expected YAML, got {getattr(error, 'problem', None) or error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected a mapping at the top, got {type(data).__name__}")
    return data


def _override(data: Plain, override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'--set "{override}": expected KEY=VALUE, e.g. output.quality=90')
    *parents, last = key.strip().split(".")
    place: Any = data
    for name in parents:
        if place.get(name) is None:
            place[name] = {}
        place = place[name]
        if not isinstance(place, dict):
            raise ConfigError(f'--set "{override}": "{name}" is a value, not a section')
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f'--set "{override}": expected YAML after "=", got {value!r}') from None


class _Lines:
    """Puts the file and line in front of a `ConfigError` whose sentence starts with a dotted place."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ConfigError):
            place = str(error).partition(":")[0].split(".")
            line = _line_of(yaml.compose(self.text, Loader=yaml.SafeLoader), place)
            raise ConfigError(f"{self.where}{f' line {line}' if line else ''}: {error}") from None


def _line_of(node: yaml.Node | None, place: list[str]) -> int | None:
    """Return the line (from 1) of the deepest key of `place` that the document has."""
    line = None
    for name in place:
        if not isinstance(node, yaml.MappingNode):
            break
        pairs = {key.value: (key, value) for key, value in node.value}
        if name not in pairs:
            break
        key, node = pairs[name]
        line = key.start_mark.line + 1
    return line
