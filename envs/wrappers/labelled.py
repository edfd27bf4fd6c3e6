"""From the state of an environment to a labelled sample."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from simgen.annotate import annotate
from simgen.envs.base import SimEnv
from simgen.envs.domain.visual import camera_of
from simgen.lens import camera_matrix
from simgen.samples import Sample
from simgen.world import Body


def sample_of(env: SimEnv, camera: str, labels: Sequence[str], index: int, said: dict[str, Any]) -> Sample:
    """Return what a camera sees now, with boxes, masks and poses.

    Args:
        env: the environment, between `reset` and `close`.
        camera: its name.
        labels: names of the bodies that are annotated; each is a class.
        index: the sample's number.
        said: what the metadata holds beside the domain, the camera and the bodies' poses (world_T_object, row by row).
    """
    frame, bodies, poses = env.frame(camera), env.sim.world.bodies, env.sim.world.poses()
    spec = camera_of(env.camera(camera, env.settings.size_wh), env.domain.values)
    annotations = annotate(frame, [_labelled(body, labels) for body in bodies], poses, spec)
    metadata = {
        "domain": env.parameters.record(env.domain.values),
        "camera": asdict(spec),
        "poses": {body.spec.name: pose.round(9).ravel().tolist() for body, pose in zip(bodies, poses, strict=True)},
        **said,
    }
    matrix = camera_matrix(spec)
    return Sample(index, frame.rgb, annotations, frame.depth_m, frame.instances, matrix, metadata, spec.lens)


def _labelled(body: Body, labels: Sequence[str]) -> Body:
    name = body.spec.name
    return replace(body, spec=replace(body.spec, labelled=name in labels, class_name=name))
