"""Robot arms: which there are, and how one is loaded, moved and read."""

from simgen.envs.robots.arm import Arm, Command
from simgen.envs.robots.kinematics import Kinematics
from simgen.envs.robots.model import RobotModel
from simgen.errors import ConfigError, did_you_mean

KUKA = RobotModel(
    name="kuka",
    file="kuka_iiwa/model.urdf",
    gripper="parallel_gripper.urdf",
    flange="lbr_iiwa_link_7",
    flange_offset_m=0.045,
    tool="gripper_tool",
    home_rad=(0.0, 0.5, 0.0, -1.5, 0.0, 1.1, 0.0),
    fingers=("gripper_left_joint", "gripper_right_joint"),
    cell_m=0.08,
    least_cells=3.5,
    damping=0.5,
)
PANDA = RobotModel(
    name="panda",
    file="franka_panda/panda.urdf",
    tool="panda_grasptarget",
    home_rad=(0.0, 0.2, 0.0, -2.0, 0.0, 2.2, -2.356),
    fingers=("panda_finger_joint1", "panda_finger_joint2"),
    damping=0.5,
)

ROBOTS: dict[str, RobotModel] = {"kuka": KUKA, "panda": PANDA}


def robot_of(name: str) -> RobotModel:
    """Return the robot of a name. Raises `ConfigError`."""
    if name not in ROBOTS:
        raise ConfigError(f'robot: unknown robot "{name}"{did_you_mean(name, ROBOTS)}')
    return ROBOTS[name]


__all__ = ["ROBOTS", "Arm", "Command", "Kinematics", "RobotModel", "robot_of"]
