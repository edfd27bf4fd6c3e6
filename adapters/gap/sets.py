"""Which pictures are compared: at most so many of a set."""

from simgen.errors import DataError
from simgen.formats.imageset import ImageSet
from simgen.rng import stream

LEAST_IMAGES = 10


def chosen(data: ImageSet, most: int, seed: int) -> ImageSet:
    """Return at most `most` images, drawn evenly with the seed, in the order of their names.

    Raises:
        DataError: fewer than `LEAST_IMAGES`.
    """
    if min(len(data), most) < LEAST_IMAGES:
        raise DataError(f'image set "{data.root}": expected at least {LEAST_IMAGES} images to compare, got {len(data)}')
    if len(data) <= most:
        return data
    order = stream(seed, 0, "gap.images").permutation(len(data))
    return data.subset(sorted(int(k) for k in order[:most]))
