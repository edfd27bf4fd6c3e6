"""Other drivers of this machine draw the same: labels but at silhouettes, colours to two levels."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from gl_for_tests import draw, needs_gl
from test_gl_process import SCENE

from simgen.render import GlRenderer

OTHERS = {
    "narrow vectors": {"LP_NATIVE_VECTOR_WIDTH": "128"},
    "softpipe": {
        "GALLIUM_DRIVER": "softpipe",
        "MESA_GL_VERSION_OVERRIDE": "4.0",
        "MESA_GLSL_VERSION_OVERRIDE": "400",
    },
}
DRAW = """
import sys
sys.path[:0] = {folders!r}
import numpy as np
from gl_for_tests import draw
from test_gl_process import SCENE
from simgen.render import GlRenderer
frame = draw(SCENE)
np.savez({out!r}, rgb=frame.rgb, depth_m=frame.depth_m, ids=frame.instances, renderer=GlRenderer().driver()["renderer"])
"""


@needs_gl
@pytest.mark.parametrize("name", OTHERS)
def test_another_driver_draws_the_same(name, tmp_path):
    if "llvmpipe" not in GlRenderer().driver()["renderer"]:
        pytest.skip("the driver here is not Mesa's llvmpipe, which can be asked for others")
    here, out = Path(__file__).parent, str(tmp_path / "frame.npz")
    code = DRAW.format(folders=[str(here), str(here.parent)], out=out)
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **OTHERS[name]}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-500:]
    frame = draw(SCENE)
    with np.load(out) as other:
        assert str(other["renderer"]) != GlRenderer().driver()["renderer"]
        ids, window = frame.instances.astype(np.float32), np.ones((3, 3), np.uint8)
        inner = cv2.erode(ids, window) == cv2.dilate(ids, window)
        np.testing.assert_array_equal(other["ids"][inner], frame.instances[inner])
        assert (np.abs(other["rgb"].astype(int) - frame.rgb).max(-1) <= 2).mean() > 0.99
        np.testing.assert_allclose(other["depth_m"][inner], frame.depth_m[inner], rtol=1e-3)
