"""The generated module as a live object, and the function that looks inside it."""

from __future__ import annotations

import contextlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from plugins.backends.pytorch.code import generate_probe, held_modules, inner_modules, torch_names
from workbench.plugin_api.exporter import ASSETS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from workbench.plugin_api.backend import BuildPlan
    from workbench.plugin_api.layer import Part
    from workbench.plugin_api.network import Network


class LoadedModule:
    """Runs the very file on disk, so that what is read is what trains.

    Attributes:
        path: of that file, as tracebacks name it.
        lines: of that file, to the node each was written for.
        names: canonical weight name to dotted name in the module, and its Bind.
        module: the nn.Module, on its device.
    """

    def __init__(self, plan: BuildPlan, device: Any, *, channels_last: bool) -> None:
        import torch

        self.path = str(plan.module_path)
        self.lines = plan.code.lines
        self.names = torch_names(plan.network)
        self._order = tuple(node.id for node in plan.network.nodes)
        for node in plan.network.nodes:
            node.layer.check_assets(plan.module_path.with_name(ASSETS))
        scope: dict[str, Any] = {"__name__": "generated_model", "__file__": self.path}
        source = plan.module_path.read_text(encoding="utf-8")
        exec(compile(source, self.path, "exec"), scope)
        exec(compile(generate_probe(plan.network), "probe.py", "exec"), scope)
        self._probe = scope["probe"]
        self._inner = inner_modules(plan.network)
        self.module = scope[plan.code.class_name]().to(device)
        if channels_last:
            # Not `module.to(memory_format=…)`: it fails on the kernels of 3D convolutions.
            for weight in self.module.parameters():
                if weight.dim() == 4:
                    weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self._is_training: bool | None = None
        self._frozen: list[Any] = []
        self.freeze(plan.network)

    def freeze(self, network: Network) -> None:
        """Let only that be trained which the network trains; the rest keeps its statistics, too."""
        frozen = []
        parameters = dict(self.module.named_parameters())
        for node in network.nodes:
            paths = {name: self.names[f"{node.id}/{name}"][0] for name in node.weights}
            trained = set(node.trained)
            for name, path in paths.items():
                if path in parameters:
                    parameters[path].requires_grad_(name in trained)
            if not node.trainable and paths:
                own = next(iter(paths.values())).partition(".")[0]
                frozen.append(self.module.get_submodule(own))
        frozen += [self.module.get_submodule(path) for path in held_modules(network)]
        self._frozen, self._is_training = frozen, None

    def train(self) -> None:
        """Switch to training mode; frozen nodes stay in evaluation mode."""
        if self._is_training is not True:
            self.module.train()
            # requires_grad=False alone does not stop running statistics.
            for module in self._frozen:
                module.eval()
            self._is_training = True

    def evaluate(self) -> None:
        """Switch to evaluation mode."""
        if self._is_training is not False:
            self.module.eval()
            self._is_training = False

    def probe(
        self,
        inputs: Sequence[Any],
        wanted: Collection[str],
        given: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Return the outputs of nodes, batch × canonical shape; `inputs` are the module's.

        Args:
            given: what takes the place of a node's output, alike.
        """
        x = inputs[0] if len(inputs) == 1 else tuple(inputs)
        with self._tapped(wanted, given) as inner:
            found: dict[str, Any] = self._probe(self.module, x, frozenset(wanted), given)
        return found | inner

    @contextlib.contextmanager
    def _tapped(
        self, wanted: Collection[str], given: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Keep the outputs of wanted modules inside layers, and put given ones in their place."""
        found: dict[str, Any] = {}
        hooks = []
        for name in {*wanted, *given} & self._inner.keys():
            path, part = self._inner[name]
            hook = _tap(found if name in wanted else {}, name, part, given.get(name))
            hooks.append(self.module.get_submodule(path).register_forward_hook(hook))
        try:
            yield found
        finally:
            for hook in hooks:
                hook.remove()

    def first_non_finite(self, inputs: Sequence[Any], tensors: Mapping[str, Any]) -> str:
        """Return the first node with a weight or an output that is not finite; empty for none."""
        outputs = self.probe(inputs, self._order)
        for node in self._order:
            weights = (tensor for name, tensor in tensors.items() if name.startswith(f"{node}/"))
            for tensor in (*weights, outputs[node]):
                if not tensor.isfinite().all():
                    return node
        return ""


def _tap(
    found: dict[str, Any], name: str, part: Part, given: Any | None
) -> Callable[[Any, Any, Any], Any]:
    """Return a hook that keeps a module's output, batch × canonical shape, or replaces it."""

    def hook(module: Any, inputs: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple) else output
        if given is not None:
            first = given.permute(0, 3, 1, 2) if part.channels_first else given
        found[name] = first.permute(0, 2, 3, 1) if part.channels_first else first
        if given is None:
            return None
        return (first, *output[1:]) if isinstance(output, tuple) else first

    return hook
