"""What every page shares: its template with every text escaped, and pictures as data URIs, so that it opens offline."""

import base64
import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, Template, select_autoescape
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page_template(name: str) -> Template:
    """Return a template of this package's `templates/` that escapes everything."""
    loader = PackageLoader("simgen.adapters.report", "templates")
    return Environment(loader=loader, autoescape=select_autoescape(default=True), trim_blocks=True).get_template(name)


def png_uri(figure: "Figure") -> str:
    """Return a plot as a PNG file in a data URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return _uri("png", buffer.getvalue())


def jpeg_uri(rgb: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) uint8 as a JPEG file in a data URI."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return _uri("jpeg", data.tobytes())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
