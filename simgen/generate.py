"""The road from a config to labelled images: one pure function for a sample, one loop for a dataset."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simgen
from simgen.annotate import annotate
from simgen.catalog import surrounds
from simgen.collector import collector_paused
from simgen.config import Config, from_dict, load
from simgen.engine import Engine, LocalEngine
from simgen.errors import ConfigError, OutputError, RenderError, ViewError
from simgen.formats.coco import CocoWriter
from simgen.lens import camera_matrix
from simgen.render import Frame
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import CameraSpec, SceneSpec, scene_to_dict
from simgen.sensor import expose
from simgen.stopwatch import Stopwatch
from simgen.world import Body, World

SHARD = 8
"""Samples that a worker makes before it reports; also the unit of progress."""


DARK = 10
"""Where the brightest twentieth of what is labelled is below this, 0 to 255, nobody could have labelled it."""
_SPARSE = 8
_WANTED = "a scene at rest with a labelled object in view of a lit, free camera"


@collector_paused()
def sample(config: Config | str | Path, seed: int, index: int, watch: Stopwatch | None = None) -> Sample:
    """Return one labelled image: a pure function of its first three arguments.

    Args:
        config: a `Config`, a YAML path, or the name of a shipped scene.
        seed: the dataset's seed, >= 0.
        index: the sample's number, >= 0.
        watch: takes the seconds spent on each stage.

    Raises:
        ConfigError, AssetError: the config or a file that it names cannot be used; a negative seed or index.
        RenderError: no draw of the scene came to rest with something to see, in the light and outside of every body.
    """
    if seed < 0 or index < 0:
        name, value = ("seed", seed) if seed < 0 else ("index", index)
        raise ConfigError(f"sample: expected {name} >= 0, got {value}")
    config = config if isinstance(config, Config) else load(config)
    watch = watch or Stopwatch()
    refused: Counter[str] = Counter()
    for attempt in range(config.redraws + 1):
        watch.lap("other")
        scene = draw_scene(config, seed, index, attempt)
        watch.lap("randomize")
        made = _photograph(config, scene, watch)
        if isinstance(made, str):
            refused[made] += 1
        else:
            meta = {"seed": seed, "index": index, "attempt": attempt}
            return dataclasses.replace(made, index=index, metadata={**meta, **made.metadata})
    raise RenderError(
        f"sample {index} of seed {seed}: expected {_WANTED}, got none in {config.redraws + 1} draws: "
        + ", ".join(f"{count} where {reason}" for reason, count in refused.most_common())
    )


def draw_scene(config: Config, seed: int, index: int, attempt: int = 0) -> SceneSpec:
    """Return the sampled scene: each randomizer draws from the stream of its own name."""
    scene = SceneSpec(camera=CameraSpec(size_wh=config.output.size_wh))
    for name, randomizer in config.randomize.items():
        scene = randomizer(scene, stream(seed, index, name, attempt))
    return scene


def render_scene(config: Config, scene: SceneSpec) -> Sample:
    """Return the sample (index 0) of a given scene, e.g. one replayed from a dataset's metadata.

    Raises:
        RenderError: the scene does not come to rest, is dark, shows none of its labelled objects, or its camera is
            inside a body.
    """
    made = _photograph(config, scene, Stopwatch())
    if isinstance(made, str):
        raise RenderError(f"scene: expected {_WANTED}, got one where {made}")
    return made


def _photograph(config: Config, scene: SceneSpec, watch: Stopwatch) -> Sample | str:
    """Return the sample of a scene, or why there is none, as goes on after "where"."""
    with World(scene, config.root, config.physics, config.render.needs_visuals, watch) as world:
        settled = world.settle()
        poses = world.poses()
        watch.lap("physics")
        if not settled:
            return "bodies still moved"
        if _camera_is_inside(scene.camera, world.bodies, poses):
            return "the camera was inside of an object"
        watch.lap("other")
        try:
            frame = config.render.render(world, scene.camera)
        except ViewError:
            return "a lamp or the camera was inside of an object"
        watch.lap("render")
        annotations = annotate(frame, world.bodies, poses, scene.camera, config.labels)
        watch.lap("annotate")
        if not annotations and any(body.spec.labelled for body in world.bodies):
            return "no labelled object was in view"
        metadata = {
            "renderer": config.render.driver(),
            "scene": scene_to_dict(scene),
            "poses": _poses_by_name(world.bodies, poses),
        }
        watch.lap("other")
    watch.lap("spawn")
    seen = expose(frame, scene.sensor)
    watch.lap("sensor")
    if _is_dark(seen, [annotation.instance_id for annotation in annotations]):
        return "the labelled objects were too dark to be seen"
    return Sample(
        index=0,
        rgb=seen.rgb,
        annotations=annotations,
        depth_m=frame.depth_m,
        instances=frame.instances,
        camera_matrix=camera_matrix(scene.camera),
        metadata=metadata,
        lens=scene.camera.lens,
        parts=frame.parts,
        normals=frame.normals,
        coordinates=frame.coordinates,
    )


def _is_dark(seen: Frame, labelled: list[int]) -> bool:
    """Whether a picture shows nothing of its labelled objects (of anything, where it has none): some of the pixels."""
    pixels, numbers = seen.rgb[::_SPARSE, ::_SPARSE], seen.instances[::_SPARSE, ::_SPARSE]
    wanted = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    wanted[[number for number in labelled if number < len(wanted)]] = True
    objects = pixels[wanted[numbers]]
    bright = (objects if len(objects) else pixels.reshape(-1, 3)).max(-1)
    return bool(np.count_nonzero(bright >= DARK) < 0.05 * len(bright))


def _camera_is_inside(camera: CameraSpec, bodies: list[Body], poses: list[NDArray[np.float64]]) -> bool:
    world_T_objects = np.array(poses).reshape(-1, 4, 4)
    away = np.subtract(camera.eye_m, world_T_objects[:, :3, 3])
    eyes = np.einsum("nji,nj->ni", world_T_objects[:, :3, :3], away)
    low, high = np.moveaxis(np.array([body.mesh.bounds_m for body in bodies]).reshape(-1, 2, 3), 1, 0)
    near = np.flatnonzero(((low < eyes) & (eyes < high)).all(1)).tolist()
    return any(surrounds(bodies[order].mesh, eyes[order]) for order in near)


def _poses_by_name(bodies: list[Body], poses: list[NDArray[np.float64]]) -> dict[str, list[float]]:
    rows = np.array(poses).round(9).reshape(-1, 16).tolist()
    return dict(zip([body.spec.name for body in bodies], rows, strict=True))


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker needs to make samples of a dataset: plain data."""

    source: dict[str, Any]
    root: Path
    seed: int
    out: Path

    def config(self) -> Config:
        """Return the config, built anew."""
        return from_dict(self.source, self.root)

    def writer(self, config: Config) -> CocoWriter:
        """Return a writer into the dataset's folder."""
        out = config.output
        header = {"config": self.source, "seed": self.seed, "version": simgen.__version__}
        return CocoWriter(
            self.out,
            config.classes,
            header,
            image=out.image,
            quality=out.quality,
            layers=out.layers,
        )


def make_shard(job: Job, indices: tuple[int, ...]) -> dict[str, float]:
    """Make and write some samples; return the seconds spent on each stage. Runs in a worker process."""
    import cv2

    cv2.setNumThreads(1)
    config = job.config()
    writer = job.writer(config)
    watch = Stopwatch()
    for index in indices:
        made = sample(config, job.seed, index, watch)
        watch.lap("other")
        writer.write(made)
        watch.lap("write")
    return dict(watch.seconds)


def generate(
    job: Job, count: int, engine: Engine | None = None, progress: Callable[[int], None] | None = None
) -> dict[str, float]:
    """Make samples 0 to `count` - 1 of a dataset; those already there are kept.

    Args:
        job: config, seed and folder.
        count: size of the dataset.
        engine: where the shards run; default: this process.
        progress: called with the number of samples made (first with those found).

    Returns:
        Seconds spent on each stage, summed over workers.

    Raises:
        OutputError: the folder holds another config's data.
        ConfigError: a negative seed.
    """
    if count < 1:
        raise OutputError(f"count: expected at least 1 sample, got {count}")
    if job.seed < 0:
        raise ConfigError(f"generate: expected seed >= 0, got {job.seed}")
    writer = job.writer(job.config())
    done = writer.done()
    missing = [i for i in range(count) if i not in done]
    report = progress or (lambda _: None)
    report(count - len(missing))
    seconds: Counter[str] = Counter()
    for shard, spent in (engine or LocalEngine(1)).run(make_shard, job, _shards(missing)):
        seconds.update(spent)
        report(len(shard))
    writer.close()
    return dict(seconds)


def _shards(indices: list[int]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(indices), SHARD):
        yield tuple(indices[start : start + SHARD])
