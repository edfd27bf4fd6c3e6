"""What a user can say about an environment: plain data, so that `gymnasium.make` and a file can say it."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.scene import STRICT, Plain

Names: TypeAlias = str | tuple[str, ...]
Edge: TypeAlias = Annotated[int, Field(ge=8, le=2048)]


def tiny_from(light_distance_m: float) -> Plain:
    """Return a section whose shadow map, which sees as little to the sides as the camera, has what casts shadows in it.

    What lies beyond the map is lit, or in the dark, as its rim is; the farther it is taken from, the coarser it is.
    """
    return {"kind": "tiny", "light_distance_m": light_distance_m}


@dataclass(frozen=True, config=STRICT)
class EnvSettings:
    """Of every environment.

    Attributes:
        obs: what is observed: "state", "proprio", "rgb", "rgbd", "depth", "depth_m", "segmentation", or several.
        cameras: names of the environment's cameras, or {name: {eye_m, target_m, fov_rad, on, roll_rad}}.
        image_size: edge of the observed pictures, or (width, height), pixels.
        randomization: a shipped name, a YAML file, or plain data; see `simgen.envs.domain.Randomization`.
        render: the renderer, as in the generator's config: {"kind": "tiny", "gl" or "auto", and its fields}.
        render_mode: "rgb_array", "human" (a window, which needs a display and pygame) or None.
        render_size: edge of the pictures of `render()`, pixels.
    """

    obs: Names = "state"
    cameras: Names | dict[str, Plain] = "front"
    image_size: Edge | tuple[Edge, Edge] = 84
    randomization: Any = "none"
    render: Plain = Field(default_factory=lambda: tiny_from(1.5))
    render_mode: str | None = None
    render_size: Edge = 256

    @property
    def size_wh(self) -> tuple[int, int]:
        """The observed pictures' width and height."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


@dataclass(frozen=True, config=STRICT)
class ArmSettings(EnvSettings):
    """Of an environment with an arm.

    Attributes:
        robot: "kuka" or "panda".
        control: "ee_delta", "joint_delta" or "joint_velocity".
    """

    robot: str = "kuka"
    control: str = "ee_delta"
    render: Plain = Field(default_factory=lambda: tiny_from(2.0))


@dataclass(frozen=True, config=STRICT)
class GoalSettings(ArmSettings):
    """Of an environment with a goal.

    Attributes:
        reward: "sparse" is 0 at the goal and -1 elsewhere; "dense" is the negative distance in metres.
        terminate: whether an episode ends at the goal.
    """

    reward: Literal["sparse", "dense"] = "sparse"
    terminate: bool = True
