"""The layers of a model, in order: what is frozen, or learns more slowly, goes by them."""

from typing import Any

from torch.nn.modules.batchnorm import _BatchNorm


def depths(model: Any) -> dict[str, int]:
    """Return for each parameter's name how many layers lie between its own and the output; 0 for the heads.

    A layer is what the first number in the name sets apart (`backbone.stages.1`), or else the parameter's own module.
    Layers count in the order in which the model registers them, from its input on; those of `model.heads` are one.
    """
    names = [name for name, _ in model.named_parameters()]
    layers = list(dict.fromkeys(_layer(name) for name in names if not _is_head(model, name)))
    return {name: 0 if _is_head(model, name) else len(layers) - layers.index(_layer(name)) for name in names}


def let_learn(model: Any, most: int) -> None:
    """Let the layers of a depth up to `most` learn; hold the others, and their batch statistics, as they are."""
    held = set()
    for name, depth in depths(model).items():
        model.get_parameter(name).requires_grad_(depth <= most)
        if depth > most:
            held.add(name.rpartition(".")[0])
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            module.train(name not in held)


def _layer(name: str) -> str:
    parts = name.split(".")
    first = next((k for k, part in enumerate(parts) if part.isdigit()), len(parts) - 2)
    return ".".join(parts[: first + 1])


def _is_head(model: Any, name: str) -> bool:
    return name.partition(".")[0] in model.heads
