"""Compares an imported network with the one it came from, on random inputs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.shapes import resolve
from workbench.document.training import Training
from workbench.errors import UserError
from workbench.plugin_api.backend import BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.importer import Imported
    from workbench.plugin_api.network import Network

ROUNDINGS = 4
"""Two roundings may differ by so many times what one of them does to a network that is deep or
badly scaled; see `Imported.rounding`."""
SAMPLES = 2
STEPS = 12
"""Of a random sample, where they vary."""
PADDED = 5
"""Steps of them that are padding, in one of the samples."""
SEED = 0


def resolved(imported: Imported, catalog: Catalog) -> Network:
    """Return the imported network; raises NotCoveredError where the catalogue refuses it."""
    shape = input_type(imported)
    resolution = resolve(imported.graph, catalog, shape, imported.name)
    for problem in resolution.problems:
        raise NotCoveredError(f"{problem.node}: {problem.message}")
    return resolution.network


def input_type(imported: Imported) -> TensorType:
    """Return the type of a sample as the network came: pictures or series, or tokens."""
    if imported.vocabulary:
        return TensorType(imported.input_shape, ("time",), "int64")
    return TensorType(imported.input_shape)


def check_parameters(imported: Imported, network: Network) -> None:
    """Raise an error unless the network has as many parameters as it came with, and some."""
    if not network.weight_specs() and not any(node.layer.is_fixed for node in network.nodes):
        raise UserError("The network has no weights, so that there is nothing to train in it.")
    if network.parameters != imported.parameters:
        raise NotCoveredError(
            f"The layers would have {network.parameters:,} parameters, but the network has "
            f"{imported.parameters:,}.",
            "Please report this network.",
        )
    specs = network.weight_specs()
    wrong = [name for name, spec in specs.items() if _shape(imported, name) != spec.shape]
    if wrong:
        raise NotCoveredError(f"{wrong[0]} did not come with the network in the shape it has here.")


def difference(imported: Imported, network: Network, catalog: Catalog) -> float:
    """Return the largest difference of the outputs for random inputs, by the outputs' size.

    Raises:
        NotCoveredError: it is more than rounding makes, or the outputs say nothing.
    """
    inputs = _drawn(imported)
    model = _model(network, imported, catalog)
    ends = [node.id for node in imported.graph.nodes if node.type == "Output"]
    found = model.probe(inputs, ends)
    pairs = zip(_each(imported.original(inputs)), ends, strict=True)
    error = max(
        _difference(wanted, found[end], imported.tolerance, lambda: _rounding(imported, inputs))
        for wanted, end in pairs
    )
    if imported.padded is None or not network.varying:
        return error
    lengths = np.array([STEPS, STEPS - PADDED])
    found = model.probe(inputs, ends, lengths)
    pairs = zip(_each(imported.padded(inputs, lengths.tolist())), ends, strict=True)
    return max(
        error,
        *(
            _difference(_real(wanted, lengths), _real(found[end], lengths), imported.tolerance)
            for wanted, end in pairs
        ),
    )


def _each(found: NDArray[np.float32] | Sequence[NDArray[np.float32]]) -> Sequence[Any]:
    return [found] if isinstance(found, np.ndarray) else found


def _real(outputs: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return outputs with zeros for the steps that are padding, where they have steps."""
    if outputs.ndim < 3 or outputs.shape[1] != STEPS:
        return outputs
    real = np.arange(STEPS) < lengths[:, None]
    return np.where(real.reshape(*real.shape, *[1] * (outputs.ndim - 2)), outputs, 0)


def _difference(
    wanted: NDArray[np.float32],
    found: NDArray[np.float32],
    tolerance: float,
    rounding: Callable[[], float] = lambda: 0.0,
) -> float:
    """Return the largest difference of one output; raises like `difference`.

    Args:
        rounding: says how far rounding takes it; asked only where that matters.
    """
    if wanted.shape != found.shape:
        raise NotCoveredError(
            f"The layers give {found.shape[1:]}, but the network gave {wanted.shape[1:]}."
        )
    size = float(np.abs(wanted).max())
    if not np.isfinite(wanted).all() or not size:
        raise UserError(
            "The network gives nothing that could be compared: its outputs are all zero or not "
            "finite.",
            "Its weights may be damaged; choose other ones.",
        )
    error = float(np.abs(found - wanted).max()) / size
    if not error <= tolerance and not error <= ROUNDINGS * rounding() / size:
        raise NotCoveredError(
            f"The layers do not compute what the network did: outputs differ by {error:.1e} of "
            f"their size, where rounding makes {tolerance:.0e} at most.",
            "Please report this network.",
        )
    return error


def _rounding(imported: Imported, inputs: NDArray[Any]) -> float:
    return 0.0 if imported.rounding is None else imported.rounding(inputs)


def _drawn(imported: Imported) -> NDArray[Any]:
    """Return random samples."""
    random = np.random.default_rng(SEED)
    shape = (SAMPLES, *(STEPS if size is None else size for size in imported.input_shape))
    if imported.vocabulary:
        is_known = 0 <= imported.padding < imported.vocabulary
        tokens = random.integers(imported.vocabulary - is_known, size=shape)
        return tokens + (tokens >= imported.padding) if is_known else tokens
    return random.normal(size=shape).astype(np.float32)


def predictor(
    network: Network, imported: Imported, catalog: Catalog
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return what runs a network with its weights, on PyTorch and the processor."""
    return _model(network, imported, catalog).predict


def _model(network: Network, imported: Imported, catalog: Catalog) -> Model:
    from workbench.document.experiment import Component

    backend = catalog.backend("torch")
    code = backend.generate(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        path.write_text(code.source, encoding="utf-8")
        for name, content in imported.assets.items():
            (path.parent / "assets").mkdir(exist_ok=True)
            (path.parent / "assets" / name).write_bytes(content)
        plan = BuildPlan(
            network=network,
            task=catalog.task(Component("classification")),
            info=DataInfo(input=network.inputs[0].output),
            training=Training(),
            code=code,
            module_path=path,
            train_counts=(),
            device="cpu",
            seed=SEED,
        )
        model = backend.build(plan)
    model.load_weights(imported.weights)
    return model


def _shape(imported: Imported, name: str) -> tuple[int, ...] | None:
    array = imported.weights.get(name)
    return None if array is None else array.shape
