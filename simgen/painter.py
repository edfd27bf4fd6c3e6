"""What is seen on bodies: an object's picture, and the textures that PyBullet keeps of pictures."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.bullet import p
from simgen.catalog import Model
from simgen.picturefile import PictureFile, bmp
from simgen.scene import ObjectSpec
from simgen.stopwatch import Stopwatch
from simgen.textures import draw_textures

Picture: TypeAlias = NDArray[np.uint8]


class Painter:
    """Puts pictures on the bodies of one PyBullet client; equal ones, as on the walls of a tray, are one texture."""

    def __init__(self, client: int, watch: Stopwatch) -> None:
        self._client, self._watch = client, watch
        self._file = PictureFile()
        self._textures: dict[bytes, int] = {}
        self._known: dict[str, int] = {}

    def paint(self, body: int, picture: Picture, specular: float) -> None:
        """Put a picture (H, W, 3) uint8 on a body, with a highlight of some strength."""
        self._show(body, self._texture(picture), specular)

    def paint_known(self, body: int, name: str, spec: ObjectSpec, model: Model, root: Path) -> None:
        """Put an object's picture on its body; it is painted the first time that the name is used."""
        if name not in self._known:
            self._known[name] = self._texture(painted(spec, model, root))
        self._show(body, self._known[name], spec.material.specular)

    def close(self) -> None:
        """Free the file that pictures go through."""
        self._file.close()

    def _texture(self, picture: Picture) -> int:
        data = bmp(_plain_or_whole(picture))
        if data not in self._textures:
            self._file.write(data)
            self._watch.lap("build")
            self._textures[data] = p.loadTexture(self._file.name, physicsClientId=self._client)
        return self._textures[data]

    def _show(self, body: int, texture: int, specular: float) -> None:
        gloss = [specular] * 3
        p.changeVisualShape(body, -1, textureUniqueId=texture, specularColor=gloss, physicsClientId=self._client)
        self._watch.lap("spawn")


def painted(spec: ObjectSpec, model: Model, root: Path) -> Picture:
    """Return an object's base colour (H, W, 3) uint8: its material's texture with the model's own marks on it."""
    return next(painted_all([spec], [model], root))


def painted_all(specs: Sequence[ObjectSpec], models: Sequence[Model], root: Path) -> Iterator[Picture]:
    """Yield the base colour of each object; neighbours are painted together where their models are faster so."""
    pairs = zip(specs, models, strict=True)
    for (kind, _), run in groupby(pairs, key=lambda pair: (type(pair[1]), pair[1].texture_size_wh())):
        group = list(run)
        for first in range(0, len(group), kind.pictures_at_once):
            some = group[first : first + kind.pictures_at_once]
            textures = [spec.material.texture for spec, _ in some]
            bodies = draw_textures(textures, some[0][1].texture_size_wh(), root)
            for (_, model), painted in zip(some, kind.paint_all([m for _, m in some], bodies), strict=True):
                own = model.picture(root)
                yield painted if own is None else np.asarray(cv2.multiply(painted, own, scale=1 / 255), np.uint8)


def _plain_or_whole(image: Picture) -> Picture:
    """Return the picture, of one that has one colour everywhere the first pixels."""
    middle = image[len(image) // 2]  # marks are seldom at the rim
    plain = (middle == middle[0]).all() and (image == middle[0]).all()
    return np.ascontiguousarray(image[:2, :2] if plain else image)
