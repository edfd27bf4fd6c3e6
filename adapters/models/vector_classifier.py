"""A classifier of precomputed vectors: a multilayer perceptron with batch normalisation."""

from collections.abc import Sequence

from torch import Tensor, nn


class VectorClassifier(nn.Module):
    """Normalised inputs, hidden layers (linear, batch normalisation, ReLU, dropout), a linear layer.

    The inputs' normalisation is a batch normalisation, too: it is learnt with everything else, whatever the units of
    the dimensions, and methods that act on normalisation (adabn, tent) reach the inputs themselves.

    Args:
        n_classes: how many logits.
        in_features: length of the vectors.
        widths: of the hidden layers; the last is the length of what methods compare across domains.
        dropout: share of each hidden layer that is dropped while training.
    """

    heads = ("head",)
    shallow: tuple[str, ...] = ()

    def __init__(
        self, n_classes: int, in_features: int, widths: Sequence[int] = (256, 128), dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.in_features, self.n_features = in_features, widths[-1]
        self.norm = nn.BatchNorm1d(in_features)
        pairs = zip([in_features, *widths], widths, strict=False)
        hidden = [_layer(c_in, c_out) for c_in, c_out in pairs]
        self.layers = nn.Sequential(*(m for layer in hidden[:-1] for m in (layer, nn.Dropout(dropout))), hidden[-1])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], n_classes)

    def features(self, vectors: Tensor) -> Tensor:
        """Return the (B, widths[-1]) features of vectors (B, in_features) float32."""
        hidden: Tensor = self.layers(self.norm(vectors))
        return hidden

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the (B, n_classes) logits."""
        return self.predict(self.features(vectors))

    def predict(self, features: Tensor) -> Tensor:
        """Return the (B, n_classes) logits of features."""
        logits: Tensor = self.head(self.dropout(features))
        return logits


def _layer(c_in: int, c_out: int) -> nn.Sequential:
    """Return linear, batch normalisation and ReLU; no bias, for the normalisation has one."""
    return nn.Sequential(nn.Linear(c_in, c_out, bias=False), nn.BatchNorm1d(c_out), nn.ReLU())
