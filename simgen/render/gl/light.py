"""The passes over the picture: visibility of the lamps at half size, light, exposure and the filmic curve."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simgen.render.gl.device import Device, Pass
from simgen.render.gl.lighting import LAMPS, Batch, Lighting, batches_of
from simgen.render.gl.programs import UNITS, Program, columns
from simgen.render.gl.shadows import Region, ShadowView, region_of, shadow_views
from simgen.render.gl.surfaces import Posed
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import View
from simgen.render.lamps import area_rows, small_rows

OCCLUSION = 3
"""The channel of ambient occlusion among those of the lamps' visibility."""
CUBE_FACES = 6
TILES = 7
"""Shadow maps along a side of their texture at most."""
LAYERS = 3
"""Of maps in scenes with translucent bodies: the other bodies, where light enters translucent ones, where it leaves."""


@dataclass(frozen=True)
class Options:
    """The renderer's settings: edge of a shadow map in pixels, reach of the occlusion, whether edges are smoothed."""

    shadow_px: int
    occlusion_m: float
    smooth_edges: bool


@dataclass(frozen=True, eq=False)
class Stage:
    """What the passes of one frame share."""

    device: Device
    targets: Targets
    posed: Posed
    view: View
    lighting: Lighting
    options: Options

    @cached_property
    def translucent(self) -> bool:
        """Whether any body is."""
        return any(item.material.transmission > 0 for item in self.posed.items)

    @property
    def map_px(self) -> int:
        """Edge of a shadow map: what the options say, or the most that fits."""
        return min(
            self.options.shadow_px, self.device.owner.max_texture_px // (TILES * (LAYERS if self.translucent else 1))
        )

    def program(self, name: str, **defines: int | str) -> Program:
        """Return a program that knows the camera."""
        program = self.device.programs.get(name, **defines)
        program.put(**self._shared)
        return program

    @cached_property
    def _shared(self) -> dict[str, Any]:
        return {
            "eye": tuple(self.view.eye_m.tolist()),
            "world_R_pixel": columns(self.view.world_R_pixel),
            "world_R_cam": columns(self.view.world_R_cam),
            "cam_R_pixel": columns(self.view.cam_R_pixel),
        }


def draw_light(stage: Stage) -> None:
    """Shade the surfaces into `targets.light`."""
    _bind(stage)
    region = _region(stage)
    if any(lamp.shadow for lamp in stage.lighting.lamps):
        posed = stage.posed
        stage.device.casters.place(posed.ranges, posed.poses, [item.material for item in posed.items])
    for number, batch in enumerate(batches_of(stage.lighting.lamps)):
        first = number == 0
        steps = _visible_passes(stage, batch, region, first)
        steps += _behind_passes(stage) if first else []
        for step in [*steps, _light_pass(stage, batch, first)]:
            stage.device.run(step)


def _bind(stage: Stage) -> None:
    device, targets = stage.device, stage.targets
    for name in ("surfaces", "visible", "rough", "light", "keys"):
        getattr(targets, name).use(UNITS[name])
    device.environments.albedo.use(UNITS["gloss_table"])
    device.materials(stage.posed.inventory.materials).use(UNITS["materials"])
    stage.lighting.surroundings.atlas.use(UNITS["gloss_atlas"])
    stage.lighting.surroundings.panorama.use(UNITS["panorama"])
    backdrop = stage.lighting.backdrop
    device.image("backdrop", np.zeros((1, 1, 3), np.uint8) if backdrop is None else backdrop).use(UNITS["backdrop"])


def _region(stage: Stage) -> Region | None:
    posed, view = stage.posed, stage.view
    if not posed.items:
        return None
    own = posed.inventory
    return region_of(posed.boxes, posed.poses, own.low_m, own.extent_m, (view.eye_m, view.rays()))


def _light_pass(stage: Stage, batch: Batch, first: bool) -> Pass:
    lighting = stage.lighting
    materials = [item.material for item in stage.posed.items]
    program = stage.program(
        "light",
        FIRST=int(first),
        SMALL_LAMPS=max(len(batch.small), 1),
        AREA_LAMPS=max(len(batch.areas), 1),
        RICH=int(any(m.clear_coat > 0 or m.transmission > 0 for m in materials)),
        MORE=int(len(batch.lamps) > OCCLUSION),
        EACH_LAMP=_each_lamp(batch),
    )
    program.put(
        small_lamps=_table([small_rows(lamp) for lamp in batch.small], 3),
        area_lamps=_table([area_rows(lamp) for lamp in batch.areas], 4),
        environment_scale=lighting.scale,
        harmonics=lighting.surroundings.harmonics.tobytes(),
    )
    # Where something stands before the far plane.
    return Pass(program, stage.targets.light_frame, ">", 1.0, add=not first)


def _behind_passes(stage: Stage) -> list[Pass]:
    """Return what draws the environment where nothing stands before it; a backdrop comes later."""
    lighting, frame = stage.lighting, stage.targets.light_frame
    if lighting.backdrop is not None:
        frame.clear()
        return []
    program = stage.program("behind")
    program.put(environment_scale=lighting.scale)
    return [Pass(program, frame, "==", 1.0)]


def _each_lamp(batch: Batch) -> str:
    kinds = [f"SMALL_LAMP({i}, " for i in range(len(batch.small))] + [
        f"AREA_LAMP({i}, " for i in range(len(batch.areas))
    ]
    return " ".join(f"{kind}seen[{_channel(n) // 4}][{_channel(n) % 4}])" for n, kind in enumerate(kinds))


def _channel(lamp: int) -> int:
    """Return the channel of a batch's lamp; one of the eight belongs to ambient occlusion."""
    return lamp + (lamp >= OCCLUSION)


def _table(rows: list[Any], height: int) -> bytes:
    return np.array(rows, np.float32).tobytes() if rows else bytes(16 * height)


def _visible_passes(stage: Stage, batch: Batch, region: Region | None, first: bool) -> list[Pass]:
    """Draw the shadow maps of a batch's lamps, and return what finds how much of the lamps each place sees."""
    targets, options = stage.targets, stage.options
    views: list[list[ShadowView]] = []
    if region is not None and any(lamp.shadow for lamp in batch.lamps):
        views = [shadow_views(lamp, region, stage.map_px) if lamp.shadow else [] for lamp in batch.lamps]
    cubes = any(len(faces) == CUBE_FACES for faces in views)
    program = stage.program(
        "visible",
        CUBES=int(cubes),
        TRANSLUCENT=int(stage.translucent),
        OCCLUSION=int(first and options.occlusion_m > 0),
        VIEWS=_slots(len(batch.lamps), cubes),
        EACH_CASTER=" ".join(f"CASTER({n}, {_channel(n)})" for n in range(len(views))),
    )
    if views:
        tiles = _draw_maps(stage, [view for faces in views for view in faces])
        _tell_maps(program, views, [lamp.position_m for lamp in batch.lamps], tiles)
    (fx, fy), center = stage.view.focal_px, stage.view.center_px
    program.put(occlusion_m=options.occlusion_m, inverse_focal=(1 / fx, 1 / fy, fy), center_px=center)
    smooth = stage.program("smooth", MORE=int(len(batch.lamps) > OCCLUSION))
    return [Pass(program, targets.rough_frame), Pass(smooth, targets.visible_frame)]


def _slots(lamps: int, cubes: bool) -> int:
    """Return how many maps the program of `lamps` knows, where some may have six."""
    return LAMPS * CUBE_FACES if cubes else max(lamps, 1)


def _draw_maps(stage: Stage, views: list[ShadowView]) -> tuple[int, int]:
    """Draw the maps into tiles of one texture; return how many tiles it has along its sides."""
    gl, edge, casters = stage.device.gl, stage.map_px, stage.device.casters
    across = 2 if len(views) <= 4 else 4 if len(views) <= 16 else TILES
    # One size for most scenes; where there are many maps, no more rows than they fill.
    high = max(2, -(-len(views) // across))
    layers = LAYERS if stage.translucent else 1
    textures, frame = stage.device.shadow_atlas((across * edge, layers * high * edge), stage.translucent)
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    frame.use()
    frame.clear()
    for number, view in enumerate(views):
        row, column = divmod(number, across)
        frame.viewport = (column * edge, row * edge, edge, edge)
        casters.draw(view.clip_T_world)
        for layer in range(1, layers):
            frame.viewport = (column * edge, (layer * high + row) * edge, edge, edge)
            casters.draw_translucent(view.clip_T_world, enter=layer == 1)
    for texture, name in zip(textures, ("shadow_atlas", "shadow_bodies"), strict=False):
        texture.use(UNITS[name])
    return across, layers * high


def _tell_maps(program: Program, views: list[list[ShadowView]], places: list[Any], tiles: tuple[int, int]) -> None:
    """Tell a program where each lamp's maps are."""
    firsts = np.cumsum([0, *(len(faces) for faces in views)])[: len(views)]
    flat = [view for faces in views for view in faces]
    across, down = tiles
    cubes = any(len(faces) == CUBE_FACES for faces in views)
    slots = _slots(len(views), cubes)
    # A lamp without a map gets one that sees nothing: every place is outside it.
    clip = np.tile(np.diag([0.0, 0.0, 0.0, -1.0]), (slots, 1, 1))
    numbers = np.ones((3, slots, 4), np.float32)
    order = range(len(flat)) if cubes else [n for n, faces in enumerate(views) if faces]
    for slot, number, view in zip(order, range(len(flat)), flat, strict=True):
        clip[slot] = view.clip_T_world
        tile = (1 / across, 1 / down, number % across / across, number // across / down)
        numbers[:, slot] = tile, view.kernel, view.ranges
    lamps = np.zeros((2, 8), np.int32)
    lamps[0, : len(views)] = [f if faces else slots - 1 for f, faces in zip(firsts, views, strict=True)]
    lamps[1, : len(views)] = [len(faces) for faces in views]
    program.put(
        clip_T_world=columns(clip),
        tiles=numbers[0].tobytes(),
        kernels=numbers[1].tobytes(),
        ranges=numbers[2].tobytes(),
        firsts=lamps[0].tobytes(),
        faces=lamps[1].tobytes(),
        lamp_places=np.array([*places, *[(0, 0, 0)] * (LAMPS - len(places))], np.float32).tobytes(),
    )


def draw_finish(stage: Stage) -> None:
    """Expose the light and write the picture: first what no edge crosses, then the rest."""
    targets = stage.targets
    fixed, steps = stage.lighting.exposure, []
    smooth, backdrop = int(stage.options.smooth_edges), int(stage.lighting.backdrop is not None)
    for edges in range(1 + smooth):
        program = stage.program("finish", SMOOTH=smooth, EDGES=edges, BACKDROP=backdrop, METERED=int(fixed == 0))
        program.put(filmic=float(stage.lighting.filmic), fixed_exposure=fixed)
        steps.append(Pass(program, targets.rgb_frame, "<" if edges else "1", 0.5 - (not edges), clear=not edges))
    for step in steps:
        stage.device.run(step)
