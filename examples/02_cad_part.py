"""A dataset of your own CAD part, and its 6D poses read back.

python examples/02_cad_part.py part.stl
"""

import sys
from pathlib import Path

from simgen.config import from_dict
from simgen.formats.coco import CocoDataset
from simgen.generate import Job, generate

if len(sys.argv) != 2:
    sys.exit("usage: python examples/02_cad_part.py PART (an .stl, .obj, .ply or .glb file in millimetres)")
part = Path(sys.argv[1]).resolve()
if not part.is_file():
    sys.exit(f"{part}: expected a mesh file, but there is none")
scene = {
    "classes": [part.stem],
    "output": {"size_wh": [640, 480]},
    "randomize": {
        "surface": {"material": {"textures": {"plain": 1, "noise": 2, "wood": 2}}},
        "objects": {
            "count": [1, 5],
            "items": [{"name": part.stem, "model": {"kind": "mesh", "path": part.name, "scale": 0.001}}],
        },
        "distractors": {"count": [0, 4]},
        "drop": {},
        "light": {},
        "camera": {"view_width_m": [0.25, 0.45], "tilt_rad": [0, 0.7]},
        "sensor": {"noise": [0, 6], "blur_px": [0, 1]},
    },
}
job = Job(from_dict(scene, part.parent).source, part.parent, seed=0, out=Path("part-dataset"))
ready = [0]  # `progress` is told how many images each step made, first those that were there already
generate(job, 20, progress=lambda made: ready.append(ready[-1] + made) or print(f"{ready[-1]} of 20 images"))

for image in CocoDataset.read(Path("part-dataset"))[:3]:
    for annotation in image.annotations:
        assert annotation.cam_T_object is not None
        distance_m = annotation.cam_T_object[2, 3]
        print(image.index, annotation.class_name, f"{distance_m:.3f} m away, {annotation.visible_fraction:.0%} visible")
