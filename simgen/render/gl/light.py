"""The passes over the picture: shadows and occlusion at half size, light, exposure and the filmic curve."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simgen.environments import linear_from_srgb
from simgen.errors import RenderError
from simgen.render.gl.device import Device
from simgen.render.gl.environment import Surroundings
from simgen.render.gl.programs import columns, put
from simgen.render.gl.shadows import Region, ShadowView, plane_matrix, region_of, shadow_views
from simgen.render.gl.surfaces import Posed, draw_depth, material_rows
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import View
from simgen.render.lamps import lamp_rows, simple_lamp
from simgen.scene import CameraSpec, LampSpec, SceneSpec
from simgen.textures import draw_texture

LAMPS = 8
CASTERS = 7
"""Lamps in one pass, and how many of them may cast shadows; more lamps take more passes."""
VIEWS = 24
OCCLUSION = 3
"""The channel that ambient occlusion has among those of visibility."""
UNITS = {
    "shapes": 2,
    "labels": 3,
    "surfaces": 4,
    "materials": 5,
    "visible": 6,
    "visible_more": 7,
    "gloss_atlas": 8,
    "gloss_brdf": 9,
    "panorama": 10,
    "shadow_atlas": 11,
    "keys": 12,
    "light": 13,
    "exposure": 14,
    "backdrop": 15,
    "rough": 3,
}


@dataclass(frozen=True, eq=False)
class Lighting:
    """What lights a scene.

    Attributes:
        lamps: all of them.
        surroundings: the environment.
        scale: rgb factor on the environment.
        exposure: a factor, 0 to meter the frame.
        filmic: whether the filmic curve is applied.
        backdrop: (H, W, 3) uint8 that is seen where nothing is, or None for the environment.
    """

    lamps: tuple[LampSpec, ...]
    surroundings: Surroundings
    scale: tuple[float, float, float]
    exposure: float
    filmic: bool
    backdrop: NDArray[np.uint8] | None


def lighting_of(device: Device, scene: SceneSpec, camera: CameraSpec, root: Path) -> Lighting:
    """Return a scene's lighting; a scene of a simple light gets it as a lamp and a uniform environment.

    Raises:
        AssetError: a file that cannot be read.
        RenderError: nothing lights the scene.
    """
    backdrop = None
    if scene.background is not None:
        backdrop = draw_texture(scene.background, camera.size_wh, root)
    elif scene.environment is None:
        backdrop = np.full((1, 1, 3), 255, np.uint8)
    if not scene.lamps and scene.environment is None:
        grey = float(linear_from_srgb(scene.light.ambient))
        lamp = simple_lamp(scene.light)
        lamps = (lamp,) if lamp.intensity > 0 else ()
        return Lighting(lamps, device.environments.of(None, root), (grey, grey, grey), 1.0, False, backdrop)
    surroundings = device.environments.of(scene.environment, root)
    share = 0.0 if scene.environment is None else 1.0
    lamps = tuple(lamp for lamp in scene.lamps if lamp.intensity > 0 and max(lamp.color) > 0)
    if not lamps and share * surroundings.mean <= 0:
        raise RenderError("scene: expected a lamp or an environment with some light, got neither")
    ev = camera.exposure_ev
    # Lagarde and de Rousiers 2014: the largest luminance that a sensor of ISO 100 takes at an exposure value.
    exposure = 0.0 if ev is None else 1 / (1.2 * 2.0**ev)
    return Lighting(lamps, surroundings, (share, share, share), exposure, True, backdrop)


@dataclass(frozen=True)
class Batch:
    """Lamps of one pass, and the channel of each one's visibility (-1: casts no shadow)."""

    lamps: tuple[LampSpec, ...]
    channels: tuple[int, ...]


def batches_of(lamps: tuple[LampSpec, ...]) -> list[Batch]:
    """Return the lamps in passes: 8 at once, 7 of them with shadows."""
    made: list[Batch] = []
    waiting = list(lamps)
    while waiting or not made:
        taken: list[LampSpec] = []
        channels: list[int] = []
        casters = 0
        while waiting and len(taken) < LAMPS and (casters < CASTERS or not waiting[0].shadow):
            lamp = waiting.pop(0)
            taken.append(lamp)
            channels.append(casters + (casters >= OCCLUSION) if lamp.shadow else -1)
            casters += lamp.shadow
        made.append(Batch(tuple(taken), tuple(channels)))
    return made


@dataclass(frozen=True)
class Options:
    """The renderer's settings that the light passes need: edge of a shadow map in pixels, reach of the occlusion."""

    shadow_px: int
    occlusion_m: float


def draw_light(
    device: Device, targets: Targets, posed: Posed, view: View, lighting: Lighting, options: Options
) -> None:
    """Shade the surfaces into `targets.light`."""
    gl = device.gl
    _bind(targets, device, posed)
    low, extent = (np.array([getattr(i, n) for i in posed.items]).reshape(-1, 3) for n in ("low_m", "extent_m"))
    region = region_of(posed.corners_m, posed.poses, low, extent, (view.eye_m, view.rays())) if posed.items else None
    for number, batch in enumerate(batches_of(lighting.lamps)):
        first = number == 0
        for half in range(2):
            if (half == 0 and first) or any(channel // 4 == half for channel in batch.channels if channel >= 0):
                _draw_visible(device, targets, posed, view, (batch, half, first), (region, options))
        gl.enable_only(gl.NOTHING if first else gl.BLEND)
        gl.blend_func = gl.ONE, gl.ONE
        program = device.programs["light"]
        _put_view(program, view)
        rows = [lamp_rows(lamp, c) for lamp, c in zip(batch.lamps, batch.channels, strict=True)]
        table = np.zeros((LAMPS, 5, 4), np.float32)
        table[: len(rows)] = np.array(rows).reshape(-1, 5, 4)
        put(
            program,
            **{n: UNITS[n] for n in ("labels", "surfaces", "materials", "visible", "visible_more")},
            **{n: UNITS[n] for n in ("gloss_atlas", "gloss_brdf", "panorama")},
            lamps=table.tobytes(),
            lamp_count=len(rows),
            half_size=targets.half_wh,
            first=first,
            background_kind=int(lighting.backdrop is None),
            irradiance=lighting.surroundings.irradiance,
            environment_scale=lighting.scale,
        )
        lighting.surroundings.atlas.use(UNITS["gloss_atlas"])
        lighting.surroundings.panorama.use(UNITS["panorama"])
        device.fill("light", targets.light_frame)
    gl.enable_only(gl.NOTHING)


def _bind(targets: Targets, device: Device, posed: Posed) -> None:
    targets.shapes.use(UNITS["shapes"])
    targets.surfaces.use(UNITS["surfaces"])
    targets.visible[0].use(UNITS["visible"])
    targets.visible[1].use(UNITS["visible_more"])
    targets.light.use(UNITS["light"])
    targets.keys.use(UNITS["keys"])
    targets.exposure.use(UNITS["exposure"])
    device.environments.albedo.use(UNITS["gloss_brdf"])
    device.materials(material_rows(posed.items)).use(UNITS["materials"])


def _put_view(program: object, view: View) -> None:
    put(
        program,
        shapes=UNITS["shapes"],
        eye=tuple(view.eye_m.tolist()),
        world_R_pixel=columns(view.world_R_pixel),
        world_R_cam=columns(view.world_R_cam),
    )


def _draw_visible(
    device: Device,
    targets: Targets,
    posed: Posed,
    view: View,
    part: tuple[Batch, int, bool],
    setup: tuple[Region | None, Options],
) -> None:
    """Draw the shadow maps of up to four lamps, and what of them each place sees."""
    batch, half, first = part
    region, options = setup
    lamps = {c % 4: lamp for lamp, c in zip(batch.lamps, batch.channels, strict=True) if c >= 0 and c // 4 == half}
    views: list[ShadowView] = []
    casters, faces, places = [-1] * 4, [1] * 4, np.zeros((4, 3), np.float32)
    for channel, lamp in lamps.items():
        if region is not None:
            made = shadow_views(lamp, region, options.shadow_px)
            casters[channel], faces[channel], places[channel] = len(views), len(made), lamp.position_m
            views += made
    program = device.programs["visible"]
    if views:
        _draw_maps(device, posed, views, options.shadow_px)
    device.gl.enable_only(device.gl.NOTHING)
    _put_view(program, view)
    put(
        program,
        casters=tuple(casters),
        faces=tuple(faces),
        lamp_places=places.tobytes(),
        occlusion=int(first and half == 0 and options.occlusion_m > 0),
        occlusion_m=options.occlusion_m,
        pixels_per_m=view.focal_px,
        shadow_atlas=UNITS["shadow_atlas"],
    )
    device.fill("visible", targets.rough_frame)
    targets.rough.use(UNITS["rough"])
    put(device.programs["smooth"], rough=UNITS["rough"], shapes=UNITS["shapes"])
    _put_view(device.programs["smooth"], view)
    device.fill("smooth", targets.visible_frames[half])


def _draw_maps(device: Device, posed: Posed, views: list[ShadowView], map_px: int) -> None:
    gl, program = device.gl, device.programs["visible"]
    columns_, rows = (2, 2) if len(views) <= 4 else (4, 6)
    depth, frame = device.shadow_atlas((columns_ * map_px, rows * map_px))
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    frame.use()
    frame.clear()
    tiles = np.zeros((VIEWS, 4), np.float32)
    for number, shadow in enumerate(views):
        x, y = number % columns_, number // columns_
        frame.viewport = (x * map_px, y * map_px, map_px, map_px)
        tiles[number] = 1 / columns_, 1 / rows, x / columns_, y / rows
        draw_depth(device, posed, shadow.clip_T_world)
    depth.use(UNITS["shadow_atlas"])
    clip = np.zeros((VIEWS, 4, 4))
    planes = np.zeros((VIEWS, 4, 4))
    numbers = np.zeros((2, VIEWS, 4), np.float32)
    for number, shadow in enumerate(views):
        clip[number], planes[number] = shadow.clip_T_world, plane_matrix(shadow.clip_T_world)
        numbers[:, number] = shadow.kernel, shadow.ranges
    put(
        program,
        clip_T_world=columns(clip),
        plane_T_world=columns(planes),
        tiles=tiles.tobytes(),
        kernels=numbers[0].tobytes(),
        ranges=numbers[1].tobytes(),
    )


def draw_finish(device: Device, targets: Targets, lighting: Lighting, smooth_edges: bool) -> None:
    """Expose the light and write the picture."""
    put(device.programs["meter"], light=UNITS["light"], fixed_exposure=lighting.exposure)
    device.fill("meter", targets.exposure_frame)
    backdrop = lighting.backdrop if lighting.backdrop is not None else np.zeros((1, 1, 3), np.uint8)
    device.image("backdrop", backdrop).use(UNITS["backdrop"])
    put(
        device.programs["finish"],
        **{n: UNITS[n] for n in ("shapes", "surfaces", "keys", "light", "exposure", "backdrop")},
        filmic=lighting.filmic,
        smooth_edges=smooth_edges,
    )
    device.fill("finish", targets.rgb_frame)
