"""From a frame and the poses to annotations. Pure."""

from simgen.annotate.labels import Labels, annotate
from simgen.annotate.silhouette import Silhouette, silhouettes
from simgen.annotate.view import View

__all__ = ["Labels", "Silhouette", "View", "annotate", "silhouettes"]
