"""What moves, as numbers: masses, friction, restitution, damping, gains and gravity, to PyBullet."""

from collections.abc import Iterator

from simgen.bullet import p
from simgen.envs.domain.parameters import Parameter, Values
from simgen.envs.simulation import Simulation
from simgen.world import Body

_DAMPING = 0.04
"""PyBullet's own."""


def dynamics_parameters(sim: Simulation) -> Iterator[Parameter]:
    """Yield the parameters of a simulation's bodies and arm."""
    yield Parameter("gravity_m_s2", sim.world.scene.gravity_m_s2, 0.0, 100.0)
    for body in sim.world.bodies:
        spec = body.spec
        yield Parameter(f"{spec.name}.friction", spec.friction, 0.0, 10.0)
        yield Parameter(f"{spec.name}.restitution", spec.restitution, 0.0, 1.0)
        if spec.mass_kg:
            yield Parameter(f"{spec.name}.mass_kg", spec.mass_kg, 1e-4, 1000.0)
            yield Parameter(f"{spec.name}.damping", _DAMPING, 0.0, 1.0)
    if sim.arm is not None:
        yield Parameter("robot.mass_scale", 1.0, 0.1, 10.0)
        yield Parameter("robot.friction", sim.arm.model.friction, 0.0, 10.0)
        yield Parameter("robot.damping", sim.arm.model.damping, 0.0, 100.0)
        yield Parameter("robot.position_gain", sim.arm.model.position_gain, 0.0, 1.0)
        yield Parameter("robot.velocity_gain", 1.0, 0.0, 2.0)
        yield Parameter("robot.force_scale", 1.0, 0.0, 10.0)


def apply_dynamics(sim: Simulation, values: Values) -> None:
    """Give a simulation the values: all of them, because going back to a state brings none of them back."""
    p.setGravity(0, 0, -values["gravity_m_s2"], physicsClientId=sim.client)
    for body in sim.world.bodies:
        _apply_body(sim, body, values)
    if sim.arm is not None:
        sim.arm.apply(values)


def _apply_body(sim: Simulation, body: Body, values: Values) -> None:
    name = body.spec.name
    moving = {}
    if body.spec.mass_kg:
        damping = values[f"{name}.damping"]
        moving = {"mass": values[f"{name}.mass_kg"], "linearDamping": damping, "angularDamping": damping}
    p.changeDynamics(
        body.id,
        -1,
        lateralFriction=values[f"{name}.friction"],
        restitution=values[f"{name}.restitution"],
        **moving,
        physicsClientId=sim.client,
    )
