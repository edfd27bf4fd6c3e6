"""Vectors instead of images: a classifier of source vectors that is to work on others, without their labels.

python examples/03_vectors.py
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from simgen.adapters.evaluate import evaluate
from simgen.adapters.train import train_with
from simgen.formats import read_images

x, y = load_digits(return_X_y=True)
gain, offset = np.random.default_rng(0).normal(size=(2, 64))
moved = x * np.exp(0.3 * gain) + x.std(axis=0) * offset  # as another sensor would have measured them
np.savez("source.npz", x=x[:900], y=y[:900])
np.savez("target.npz", x=moved[900:1400])
np.savez("test.npz", x=moved[1400:], y=y[1400:])

source, target, test = (read_images(Path(file)) for file in ("source.npz", "target.npz", "test.npz"))
for method in ("source_only", "dann"):
    settings = ["task=features", f"method.kind={method}", "steps=400"]
    model = train_with(source, Path(f"run-{method}"), None, settings, target=target)
    print(method, f"{evaluate(model, test).scores['accuracy'].value:.3f}")
