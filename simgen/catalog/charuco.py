"""A flat plate with a ChArUco board on it: a chess board with markers in its white squares (Garrido-Jurado 2014).

The object's frame is the board's, as OpenCV has it: the origin is the outer corner of the print's first square, x runs
right and y down along the print, and z into the plate. So `cam_T_object` is what `cv2.solvePnP` finds with the points
of `cv2.aruco.CharucoBoard.getChessboardCorners`, and the printed face, at z = 0, looks towards -z.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from simgen.catalog.mesh import Mesh, box_mesh, frozen
from simgen.catalog.shape import Collider, Model, model
from simgen.errors import did_you_mean
from simgen.scene import Rgb, Vec3

Length = Annotated[float, Field(gt=0)]
Squares = Annotated[int, Field(ge=2, le=50)]
DICTIONARIES = tuple(sorted(name for name in dir(cv2.aruco) if name.startswith("DICT_")))
_MOST_PX = 4096


@model
class CharucoPlate(Model):
    """A thin box whose front carries the board; its keypoints are the inner corners, row by row, as OpenCV counts them.

    Attributes:
        squares: columns and rows of the chess board.
        square_m: edge of a square.
        marker_m: edge of a marker with its black border.
        dictionary: OpenCV's name of the marker dictionary, e.g. "DICT_6X6_250".
        rim_m: width of the blank rim around the print.
        thickness_m: of the plate.
        ink: rgb of the print, 0 to 255.
        square_px: texture pixels of a square.
    """

    squares: tuple[Squares, Squares] = (5, 7)
    square_m: Length = 0.036195
    marker_m: Length = 0.018256
    dictionary: str = "DICT_6X6_250"
    rim_m: Annotated[float, Field(ge=0)] = 0.012
    thickness_m: Length = 0.003
    ink: Rgb = (15, 15, 15)
    square_px: Annotated[int, Field(ge=16, le=512)] = 128

    @field_validator("dictionary")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in DICTIONARIES:
            raise ValueError(f'unknown marker dictionary "{name}"{did_you_mean(name, DICTIONARIES)}')
        return name

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        if self.marker_m >= self.square_m:
            raise ValueError(f"marker_m: expected less than square_m ({self.square_m:g}), got {self.marker_m:g}")
        if max(self.texture_size_wh()) > _MOST_PX:
            raise ValueError(f"square_px: expected a print of at most {_MOST_PX} pixels, got {self.square_px} a square")
        needed, there = self.squares[0] * self.squares[1] // 2, len(_dictionary(self.dictionary).bytesList)
        if needed > there:
            raise ValueError(f"squares: expected at most {there} markers of {self.dictionary}, got {needed}")
        return self

    def outline_m(self) -> tuple[float, float]:
        """Return the print's width and height, without the rim."""
        return self.squares[0] * self.square_m, self.squares[1] * self.square_m

    def mesh(self, root: Path) -> Mesh:
        return _mesh(self._size_m(), self.center_m(root), (self._rim_px() - self._spare_px(), self.texture_size_wh()))

    def collider(self, root: Path) -> Collider:
        return Collider("box", tuple(edge / 2 for edge in self._size_m()))

    def center_m(self, root: Path) -> Vec3:
        width, height = self.outline_m()
        return width / 2, height / 2, self.thickness_m / 2

    def texture_size_wh(self) -> tuple[int, int]:
        columns, rows = self.squares
        rim = 2 * self._rim_px()
        return columns * self.square_px + rim, rows * self.square_px + rim

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        layout = (self.squares, self.square_m, self.marker_m, self.dictionary)
        blank = _print(layout, self.texture_size_wh(), self._rim_px())[..., None] > 127
        return np.where(blank, body, np.array(self.ink, np.uint8))

    def class_name(self, world_R_object: NDArray[np.float64]) -> str:
        return "charuco_board"

    def keypoints_m(self) -> dict[str, Vec3]:
        """The inner corners, named "corner_00" and on."""
        columns, rows = self.squares
        places = [(x * self.square_m, y * self.square_m, 0.0) for y in range(1, rows) for x in range(1, columns)]
        return {f"corner_{number:02d}": place for number, place in enumerate(places)}

    def _size_m(self) -> Vec3:
        width, height = self.outline_m()
        return width + 2 * self.rim_m, height + 2 * self.rim_m, self.thickness_m

    def _rim_px(self) -> int:
        """Return the rim in whole texture pixels, rounded up: the mesh takes the true width of it."""
        return int(np.ceil(self._spare_px()))

    def _spare_px(self) -> float:
        return self.rim_m / self.square_m * self.square_px


def _dictionary(name: str) -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(int(getattr(cv2.aruco, name)))


@lru_cache(maxsize=8)
def _print(
    layout: tuple[tuple[int, int], float, float, str], size_wh: tuple[int, int], rim_px: int
) -> NDArray[np.uint8]:
    """Return the read-only print (H, W) uint8, 0 where there is ink, with `rim_px` of rim."""
    squares, square_m, marker_m, dictionary = layout
    board = cv2.aruco.CharucoBoard(squares, square_m, marker_m, _dictionary(dictionary))
    image = np.asarray(board.generateImage(size_wh, marginSize=rim_px), np.uint8)
    image.flags.writeable = False
    return image


@lru_cache(maxsize=32)
def _mesh(size_m: Vec3, center_m: Vec3, crop: tuple[float, tuple[int, int]]) -> Mesh:
    """Return a box whose print looks towards -z; of the texture, `crop` = (pixels, size_wh), that rim is left out."""
    inset_px, size_wh = crop
    box = box_mesh(size_m, rim_uv=0.5 / max(size_wh))
    over = np.array([1.0, -1.0, -1.0])  # half a turn about x
    inset = inset_px / np.array(size_wh, float)
    front = np.arange(len(box.uvs)) < 4
    uvs = np.where(front[:, None], inset + box.uvs * (1 - 2 * inset), box.uvs)
    return frozen(Mesh(box.vertices_m * over + center_m, box.faces, box.normals * over, uvs))
