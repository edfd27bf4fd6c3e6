"""Gathers the sections' own dataclasses into one config, and reads it from YAML.

`load` takes a YAML file or the name of a shipped scene, applies `a.b=c` overrides, and reports the first mistake as one
sentence with its line. `load_section` does the same for any other settings file.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from simgen.annotate import Labels
from simgen.errors import ConfigError, RenderError, did_you_mean
from simgen.formats.layers import LAYERS
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
        depth: whether depth images are written (16-bit PNG, millimetres).
        instances: whether instance images are written (16-bit PNG).
        parts, normals, coordinates: the same of these, which not every renderer draws (docs/rendering.md).
    """

    size_wh: tuple[Annotated[int, Field(ge=8, le=8192)], Annotated[int, Field(ge=8, le=8192)]] = (640, 640)
    image: Literal["jpg", "png"] = "jpg"
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    depth: bool = False
    instances: bool = False
    parts: bool = False
    normals: bool = False
    coordinates: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The label images to write, of `simgen.formats.layers.LAYERS`."""
        return tuple(name for name in LAYERS if getattr(self, name))


@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class Config:
    """A scene generator.

    Attributes:
        classes: the class names in the order of their ids.
        randomize: the randomizers by name, in the order in which they run.
        redraws: how often a scene that cannot be used (unsettled, nothing to see) is drawn again.
        source: the plain data that the config was read from: its identity. `render: {kind: auto}` is settled in it.
        root: the folder that relative file names start from.
        note: one line that a user should read, e.g. why `auto` did not choose the better renderer; or empty.
    """

    classes: tuple[str, ...]
    randomize: dict[str, Any]
    output: Output = Output()
    physics: Physics = Physics()
    render: Any = None
    labels: Labels = Labels()
    redraws: Annotated[int, Field(ge=0, le=1000)] = 10
    source: Plain = dataclasses.field(default_factory=dict)
    root: Path = Path()
    note: str = ""


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
    text, where, root = _read(config, folder)
    data = _parsed(text, where)
    for override in overrides:
        _override(data, override)
    with _Lines(text, where):
        return validate(cls, data, "", root)


def _config(data: Plain, root: Path) -> Config:
    _require_finite(data, "")
    sections = dict(data)
    known = {f.name for f in dataclasses.fields(Config)} - {"source", "root", "note"}
    for key in sections:
        if key not in known:
            raise ConfigError(f'{key}: unknown key "{key}"{did_you_mean(str(key), known)}')
    _require_classes(sections.get("classes"))
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
    render, note = _settled(sections.pop("render", None) or {})
    source = {**data, "render": render} if note is not None else data
    made = {"randomize": built, "render": _renderer(render), "source": source, "root": root, "note": note or ""}
    config = validate(Config, {**sections, **made}, "")
    for layer in config.output.layers:
        if layer not in config.render.layers:
            kind = render.get("kind", "tiny")
            why = f"; {note}" if note else ""
            raise ConfigError(f'output.{layer}: expected a renderer that draws {layer} (gl), got "{kind}"{why}')
    return config


def _settled(section: Plain) -> tuple[Plain, str | None]:
    """Return the section with a renderer's name for `auto`, and a line about that, None if it was not `auto`."""
    if not isinstance(section, Mapping):
        raise ConfigError(f"render: expected a section, got {section!r}")
    kind = section.get("kind", "tiny")
    if kind not in (*RENDERERS, "auto"):
        raise ConfigError(f'render.kind: unknown kind "{kind}"{did_you_mean(str(kind), (*RENDERERS, "auto"))}')
    if kind != "auto":
        return section, None
    if _flat(section):
        example = f'e.g. "tiny: {{{next(iter(_flat(section)))}: ...}}"'
        raise ConfigError(f'render: expected fields in a section of their kind where the kind is "auto", {example}')
    reason = why_no_gl()
    note = "" if reason is None else f"renderer: tiny, because gl cannot be used here: {reason}"
    return {**section, "kind": "gl" if reason is None else "tiny"}, note


def renderer_of(section: Plain) -> Renderer:
    """Return the renderer of a `render` section, `auto` settled on what can be used here. Raises `ConfigError`."""
    return _renderer(_settled(section)[0])


def why_no_gl() -> str | None:
    """Return why the renderer `gl` cannot be used on this machine and what to install; None if it can be."""
    try:
        from simgen.render.gl.context import context

        context()
    except (ImportError, RenderError) as error:
        return str(error)
    return None


def _renderer(section: Plain) -> Renderer:
    """Return the renderer of a section that holds its fields, or a section of fields for each kind, or both."""
    kind = section.get("kind", "tiny")
    for name in RENDERERS:
        if name in section:
            build(RENDERERS, {**_section(section[name], f"render.{name}"), "kind": name}, f"render.{name}")
    flat = _flat(section)
    return build(RENDERERS, {**section.get(kind, {}), **flat, "kind": kind}, "render" if flat else f"render.{kind}")


def _section(value: Any, where: str) -> Plain:
    if not isinstance(value, Mapping | None):
        raise ConfigError(f"{where}: expected a section, got {value!r}")
    return dict(value or {})


def _flat(section: Plain) -> Plain:
    """Return the fields that stand beside the kind, for that kind alone."""
    return {key: value for key, value in section.items() if key not in ("kind", *RENDERERS)}


def _choose_renderer(data: Plain, kind: Any) -> None:
    """Set the renderer's kind; fields that the file gave the old kind move into that kind's section."""
    section = data.get("render") or {}
    if not isinstance(section, dict):
        return
    old, flat = section.get("kind", "tiny"), _flat(section)
    if flat and old != kind and old in RENDERERS:
        section = {k: v for k, v in section.items() if k not in flat} | {old: {**section.get(old, {}), **flat}}
    data["render"] = {**section, "kind": kind}


def _require_finite(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: expected a finite number, got {value}")
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in inner:
        _require_finite(item, f"{where}.{key}".lstrip("."))


def _require_classes(classes: Any) -> None:
    if not isinstance(classes, list | tuple) or not classes or not all(isinstance(c, str) and c for c in classes):
        raise ConfigError(f"classes: expected a list of names, got {classes!r:.80}")
    twice = [name for name in classes if list(classes).count(name) > 1]
    if twice:
        raise ConfigError(f'classes: expected each name once, got "{twice[0]}" again')


def _require_known_classes(randomizers: Mapping[str, Randomizer], classes: Any) -> None:
    for name, randomizer in randomizers.items():
        for used in getattr(randomizer, "class_names", ()):
            if used not in classes:
                raise ConfigError(f'randomize.{name}: "{used}" is not among the classes{did_you_mean(used, classes)}')


def _read(config: str | Path, folder: str) -> tuple[str, str, Path]:
    """Return the text, how messages call it, and the folder it stands in."""
    path = Path(config)
    if path.suffix in (".yaml", ".yml"):
        if path.is_dir():
            raise ConfigError(f'config "{config}": expected a .yaml file, got a folder')
        try:
            return path.read_text("utf-8"), str(config), path.parent
        except FileNotFoundError:
            raise ConfigError(f'config "{config}": there is no such file') from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f'config "{config}": expected a readable YAML text, got {error}') from None
    shipped = resources.files("simgen.assets") / folder
    names = sorted(entry.name.removesuffix(".yaml") for entry in shipped.iterdir() if entry.name.endswith(".yaml"))
    if str(config) not in names:
        if path.is_dir():
            raise ConfigError(f'config "{config}": expected a .yaml file, got a folder')
        hint = did_you_mean(str(config), names)
        raise ConfigError(f'config "{config}": expected a .yaml file or the name of a shipped one{hint}')
    with resources.as_file(shipped) as place:
        return (place / f"{config}.yaml").read_text("utf-8"), f"{config}", place


def _parsed(text: str, where: str) -> Plain:
    try:
        _refuse_twice(text, where)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ":"
        raise ConfigError(f"{where}{line} expected YAML, got {getattr(error, 'problem', None) or error}") from None
    except RecursionError:
        raise ConfigError(f"{where}: expected a scene, got YAML that is nested too deep") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected a mapping at the top, got {type(data).__name__}")
    return data


def _refuse_twice(text: str, where: str) -> None:
    """Refuse a key that a mapping has already: YAML forbids it, and PyYAML would let the last one win in silence."""
    waiting, seen = [yaml.compose(text, Loader=yaml.SafeLoader)], set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            first = lines.get((key.tag, str(key.value)))
            if first is not None:
                there = f" (it is there on line {first})" if line != first else ""
                raise ConfigError(f'{where} line {line}: expected each key once, got "{key.value}" again{there}')
            lines[key.tag, str(key.value)] = line
            waiting.append(value)


def _override(data: Plain, override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'--set "{override}": expected KEY=VALUE, e.g. output.quality=90')
    *parents, last = key.strip().split(".")
    try:
        _refuse_twice(value, f'--set "{override}"')
        new = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f'--set "{override}": expected YAML after "=", got {value!r}') from None
    if key.strip() == "render.kind":
        _choose_renderer(data, new)
        return
    place: Any = data
    for name in parents:
        if place.get(name) is None:
            place[name] = {}
        place = place[name]
        if not isinstance(place, dict):
            raise ConfigError(f'--set "{override}": "{name}" is a value, not a section')
    place[last] = new


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
    """Return the line (from 1) of the deepest key or entry of `place` that the document has."""
    line = None
    for name in place:
        if isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
            node = node.value[int(name)]
            line = node.start_mark.line + 1
            continue
        pairs = {key.value: (key, value) for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        if name not in pairs:
            break
        key, node = pairs[name]
        line = key.start_mark.line + 1
    return line
