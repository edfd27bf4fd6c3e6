"""What every page shares: its template with every text escaped, and pictures as data URIs, so that it opens offline."""

import base64
import io
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, Template, select_autoescape
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCE, TARGET = "#20507f", "#e07b00"
"""The colours of the two domains, on every page."""

PLOT_DPI = 192
"""Twice the 96 of a page, so that plots are sharp in print; templates show them at their `plot_width`."""


def page_template(name: str) -> Template:
    """Return a template of this package's `templates/` that escapes everything."""
    loader = PackageLoader("simgen.adapters.report", "templates")
    pages = Environment(loader=loader, autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True)
    pages.filters["plot_width"] = plot_width
    return pages.get_template(name)


def plot_width(uri: str) -> int:
    """Return the width, in the pixels of a page, that a plot of `png_uri` was drawn for."""
    header = base64.b64decode(uri.partition(",")[2][:32])
    return round(int.from_bytes(header[16:20], "big") * 96 / PLOT_DPI)


def new_figure(inches: tuple[float, float] = (5.2, 4.6)) -> "Figure":
    """Return an empty figure that leaves room for its texts."""
    from matplotlib.figure import Figure

    return Figure(figsize=inches, layout="constrained")


def plain(axes: "Axes") -> "Axes":
    """Return axes without the frame's upper and right side, and with a faint grid: for lines over numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, lw=0.6)
    return axes


def add_legend(figure: "Figure", **options: Any) -> None:
    """Add a legend outside the axes, where it covers nothing; dollar signs in names are no formulas."""
    for text in figure.legend(**{"loc": "outside lower center", "fontsize": 8, **options}).get_texts():
        text.set_parse_math(False)


def png_uri(figure: "Figure") -> str:
    """Return a plot as a PNG file in a data URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PLOT_DPI, metadata={"Software": None})
    return _uri("png", buffer.getvalue())


def jpeg_uri(rgb: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) uint8 as a JPEG file in a data URI."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return _uri("jpeg", data.tobytes())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
