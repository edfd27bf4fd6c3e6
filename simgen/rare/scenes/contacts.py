"""Bodies that touch move as one: a contact is a matter of tenths of a millimetre, and no independent noise keeps it.

A contact stays with a probability, as a category does; bodies joined by those that stay are a group, and a group is
moved as one of its bodies was: turned about the vertical and shifted on the ground. A body that nothing moves, such as
a wall, leads its group. Floors are no contacts: what lies on the same table is not joined by it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simgen.bullet import p
from simgen.geometry import Array, pose_matrix, quat_from_rotation
from simgen.scene import ObjectSpec, SceneSpec
from simgen.world import World

REACH_M = 0.001
"""Bodies this near to each other touch."""
_STEEP = 0.7
Pair = tuple[int, int]


def contacts(scene: SceneSpec, root: Path) -> list[Pair]:
    """Return the pairs of bodies, by their numbers in the scene, that touch as the scene stands, sorted.

    A pair of which one is fixed counts only where the contact is steeper than 45 degrees: walls, but no floors.
    """
    fixed = [body.mass_kg <= 0 for body in scene.objects]
    with World(scene, root, visuals=False) as world:
        pairs = combinations(range(len(world.bodies)), 2)
        return [(a, b) for a, b in pairs if not (fixed[a] and fixed[b]) and _touch(world, a, b, fixed[a] or fixed[b])]


def _touch(world: World, first: int, second: int, sideways: bool) -> bool:
    bodies = world.bodies[first].id, world.bodies[second].id
    points = p.getClosestPoints(*bodies, distance=REACH_M, physicsClientId=world.client)
    return any(not sideways or abs(point[7][2]) < _STEEP for point in points)


def together(example: SceneSpec, moved: SceneSpec, pairs: Sequence[Pair], keep: float, rng: Generator) -> SceneSpec:
    """Return the moved scene with the groups of the example as they stood in it, each moved as a whole.

    Movable bodies of a group keep the shapes that they had, and their poses relative to each other.

    Args:
        example: a scene at rest.
        moved: the same bodies in the same order, each moved on its own.
        pairs: contacts of the example.
        keep: probability that a contact stays.
        rng: draws which stay, and which body leads where none is fixed.
    """
    kept = [pair for pair in pairs if rng.random() < keep]
    rows, columns = np.array(kept, int).reshape(-1, 2).T
    links = coo_array((np.ones(len(kept)), (rows, columns)), (len(example.objects),) * 2)
    group = connected_components(links, directed=False)[1]
    objects = list(moved.objects)
    for number in np.flatnonzero(np.bincount(group) > 1):
        members = np.flatnonzero(group == number)
        fixed = [k for k in members if example.objects[k].mass_kg <= 0]
        leader = int((fixed or members)[int(rng.integers(len(fixed or members)))])
        motion = _motion(_pose(example.objects[leader]), _pose(moved.objects[leader]))
        for k in members:
            if k not in fixed:
                objects[k] = _placed(objects[k], example.objects[k], motion)
    return replace(moved, objects=tuple(objects))


def _motion(before: Array, after: Array) -> Array:
    """Return the (4, 4) turn about the vertical and shift on the ground that comes nearest to a change of pose."""
    turned = after[:3, :3] @ before[:3, :3].T
    angle = math.atan2(turned[1, 0] - turned[0, 1], turned[0, 0] + turned[1, 1])
    motion = np.eye(4)
    motion[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    motion[:2, 3] = after[:2, 3] - motion[:2, :2] @ before[:2, 3]
    return motion


def _pose(body: ObjectSpec) -> Array:
    return pose_matrix(body.position_m, body.quat_xyzw)


def _placed(body: ObjectSpec, example: ObjectSpec, motion: Array) -> ObjectSpec:
    pose = motion @ _pose(example)
    x, y, z = pose[:3, 3].round(6).tolist()
    qx, qy, qz, qw = quat_from_rotation(pose[:3, :3]).round(6).tolist()
    return replace(body, model=example.model, position_m=(x, y, z), quat_xyzw=(qx, qy, qz, qw))
