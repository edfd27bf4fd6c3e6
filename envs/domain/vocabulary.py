"""Names of parameters and bodies that some environment has: one that fits none of them is always a mistake."""

LIGHT = ("elevation_rad", "azimuth_rad", "red", "green", "blue", "ambient", "diffuse", "specular", "shadow")
CAMERA = ("shift_x_m", "shift_y_m", "shift_z_m", "aim_x_m", "aim_y_m", "aim_z_m", "roll_rad", "zoom")
SENSOR = ("exposure", "red", "blue", "gamma", "resolution", "blur_px", "noise", "vignette", "jpeg_quality")
BODIES = ("table", "object", "goal", "target")
BODY = ("mass_kg", "friction", "restitution", "damping")
ROBOT = ("red", "green", "blue", "mass_scale", "friction", "damping", "position_gain", "velocity_gain", "force_scale")
ACTION = ("latency_steps", "noise", "backlash_rad")

VOCABULARY = (
    *(f"light.{name}" for name in LIGHT),
    *(f"camera.{name}" for name in CAMERA),
    *(f"sensor.{name}" for name in SENSOR),
    *(f"{body}.{name}" for body in BODIES for name in BODY),
    *(f"robot.{name}" for name in ROBOT),
    *(f"action.{name}" for name in ACTION),
    *(f"joint_{number}.offset_rad" for number in range(1, 8)),
    "observation.latency_steps",
    "gravity_m_s2",
)
