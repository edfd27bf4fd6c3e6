"""A small residual classifier of crops, 8 to 64 pixels wide."""

from collections.abc import Sequence

from torch import Tensor, nn

from simgen.adapters.models.backbone import ResidualBlock, conv_norm


class CropClassifier(nn.Module):
    """A stem, residual stages that halve its resolution, the mean over the last map, dropout, a linear layer.

    Args:
        n_classes: how many logits.
        in_channels: 1 for grey crops, 3 for colour.
        widths: channels of each stage; every stage but the first halves the resolution (8 pixels bear three stages).
        dropout: share of the pooled features that is dropped while training.
        stride: of the stem; 2 makes crops of 32 pixels and more four times as quick.
    """

    heads = ("head",)
    shallow = ("stem", "stages.0")

    def __init__(
        self,
        n_classes: int,
        in_channels: int = 1,
        widths: Sequence[int] = (32, 64, 96),
        dropout: float = 0.0,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem = nn.Sequential(conv_norm(in_channels, widths[0], stride=stride), nn.ReLU())
        pairs = zip([widths[0], *widths], widths, strict=False)
        self.stages = nn.Sequential(
            *(ResidualBlock(c_in, c_out, stride=1 if level == 0 else 2) for level, (c_in, c_out) in enumerate(pairs))
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], n_classes)
        self.n_features = widths[-1]

    def features(self, crops: Tensor) -> Tensor:
        """Return the (B, widths[-1]) pooled features of crops (B, in_channels, S, S) float32 around 0."""
        pooled: Tensor = self.stages(self.stem(crops)).mean(dim=(2, 3))
        return pooled

    def forward(self, crops: Tensor) -> Tensor:
        """Return the (B, n_classes) logits."""
        return self.predict(self.features(crops))

    def predict(self, features: Tensor) -> Tensor:
        """Return the (B, n_classes) logits of pooled features."""
        logits: Tensor = self.head(self.dropout(features))
        return logits
