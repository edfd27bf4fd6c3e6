"""`Studio`: what is seen of a simulation, with the looks of a domain."""

from collections.abc import Mapping
from pathlib import Path

from simgen.envs.cameras import View, carried
from simgen.envs.domain import Randomization, Values
from simgen.envs.domain.visual import SceneLooks, camera_of, sensor_of
from simgen.envs.simulation import Simulation
from simgen.errors import EnvError
from simgen.render import Frame, Renderer
from simgen.scene import CameraSpec, SensorSpec
from simgen.sensor import expose

_PLAIN = SensorSpec()


class Studio:
    """The cameras, the renderer, and the surfaces and lights of the episode.

    Attributes:
        views: the cameras by name.
    """

    def __init__(self, sim: Simulation, looks: SceneLooks, views: Mapping[str, View], renderer: Renderer) -> None:
        self.views = dict(views)
        self._sim, self._looks, self._renderer = sim, looks, renderer

    def dress(self, randomization: Randomization, values: Values, root: Path) -> None:
        """Give the bodies and the lights the looks of a domain; `root` is where the randomization's files start."""
        world = self._sim.world
        world.root = root
        world.scene = self._looks.scene_of(randomization, values)
        self._looks.paint(world, randomization, values)

    def camera(self, name: str, size_wh: tuple[int, int]) -> CameraSpec:
        """Return a camera where it is now, without what the domain does to it."""
        view = self.views[name]
        camera = view.camera(size_wh)
        if view.on == "world":
            return camera
        if self._sim.arm is None:
            raise EnvError(f'cameras.{name}: expected a camera on the "world": this environment has no tool')
        return carried(camera, self._sim.arm.tool_pose())

    def frame(self, camera: CameraSpec, values: Values, number: int) -> Frame:
        """Return what a camera sees; `number` makes each picture's noise its own."""
        frame = self._renderer.render(self._sim.world, camera_of(camera, values))
        sensor = sensor_of(values, number)
        return frame if _does_nothing(sensor) else expose(frame, sensor)


def _does_nothing(sensor: SensorSpec) -> bool:
    return sensor.__dict__ | {"seed": _PLAIN.seed} == _PLAIN.__dict__
