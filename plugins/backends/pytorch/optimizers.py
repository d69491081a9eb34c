"""The document's optimizers as PyTorch's, every hyper-parameter explicit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from workbench.document.training import SGD, Adagrad, Adam, AdamW, RMSprop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.document.training import Optimizer
    from workbench.plugin_api.network import Network


def parameter_groups(network: Network, tensors: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the trainable tensors, one group for each learning-rate scale.

    Args:
        tensors: parameters by canonical name "node/weight".

    Returns:
        {"params": …, "names": canonical names, "scale": factor on the learning rate}.
    """
    by_scale: dict[float, list[str]] = defaultdict(list)
    for node in network.nodes:
        by_scale[node.learning_rate_scale].extend(f"{node.id}/{name}" for name in node.trained)
    return [
        {"params": [tensors[name] for name in names], "names": names, "scale": scale}
        for scale, names in by_scale.items()
        if names
    ]


def make_optimizer(settings: Optimizer, groups: Iterable[dict[str, Any]], device_type: str) -> Any:
    """Return a torch.optim.Optimizer over copies of `groups`.

    One kernel updates all tensors where PyTorch has such a one: "fused" on CPU and CUDA,
    "foreach" for RMSprop on CUDA (https://pytorch.org/docs/stable/optim.html).
    """
    import torch.optim

    parts = [{"params": group["params"], "scale": group["scale"]} for group in groups]
    # A network that only answers has nothing to train, and no optimizer takes nothing.
    parts = parts or [{"params": [torch.empty(0)], "scale": 1.0}]
    common: dict[str, Any] = {
        "lr": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "maximize": False,
    }
    fused: dict[str, Any] = {"fused": True} if device_type in ("cpu", "cuda") else {}
    match settings:
        case SGD():
            nesterov = settings.nesterov and settings.momentum > 0
            return torch.optim.SGD(
                parts,
                momentum=settings.momentum,
                dampening=0.0,
                nesterov=nesterov,
                **fused,
                **common,
            )
        case Adam() | AdamW():
            kind = torch.optim.Adam if isinstance(settings, Adam) else torch.optim.AdamW
            betas = (settings.beta_1, settings.beta_2)
            return kind(parts, betas=betas, eps=settings.epsilon, amsgrad=False, **fused, **common)
        case RMSprop():
            return torch.optim.RMSprop(
                parts,
                alpha=settings.rho,
                momentum=settings.momentum,
                eps=settings.epsilon,
                centered=False,
                foreach=device_type == "cuda",
                **common,
            )
        case Adagrad():
            one_kernel = {"fused": True} if device_type == "cpu" else {"foreach": True}
            return torch.optim.Adagrad(
                parts,
                lr_decay=0.0,
                initial_accumulator_value=settings.initial_accumulator,
                eps=settings.epsilon,
                **one_kernel,
                **common,
            )


def set_learning_rate(optimizer: Any, learning_rate: float) -> None:
    """Give every group the rate times its own scale."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["scale"]
