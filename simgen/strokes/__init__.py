"""Handwritten digits as pen strokes: a style is sampled as plain data first, drawn after.

Handwriting varies in strokes, not in fonts: a digit is one of several *allographs* (ways to write it), each a few
smooth curves through control points, deformed, slanted and drawn with a pen of varying pressure. The idea of strokes
as the generative parameters is Lake et al. 2015 (Human-level concept learning through probabilistic program
induction); the smooth displacement is after Simard et al. 2003 (Best practices for convolutional neural networks
applied to visual document analysis). Coordinates: x right, y down, a digit about 1 high.
"""

from simgen.strokes.allographs import allograph_count
from simgen.strokes.draw import draw_digits
from simgen.strokes.style import DigitStyle, StyleRanges, plain_style, sample_style, sample_styles

__all__ = [
    "DigitStyle",
    "StyleRanges",
    "allograph_count",
    "draw_digits",
    "plain_style",
    "sample_style",
    "sample_styles",
]
