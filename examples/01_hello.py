"""Four labelled images of rolled dice, with the boxes drawn on them.

python examples/01_hello.py
"""

import cv2

import simgen

config = simgen.load_config("dice")

for index in range(4):
    sample = simgen.sample(config, seed=0, index=index)
    picture = sample.rgb.copy()
    for annotation in sample.annotations:
        x1, y1, x2, y2 = (round(edge) for edge in annotation.box_xyxy)
        cv2.rectangle(picture, (x1, y1), (x2, y2), (255, 60, 0), 2)
        cv2.putText(picture, annotation.class_name, (x1, y1 - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 60, 0))
        print(index, annotation.class_name, f"visible {annotation.visible_fraction:.0%}")
    cv2.imwrite(f"sample_{index}.png", picture[..., ::-1])
