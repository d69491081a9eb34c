"""What libraries of PyTorch networks have in common: build, fill, expand."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from plugins.importers import _index
from plugins.importers._assigning import Assignment, assign, classes_in, load, weights_of
from plugins.importers._torch_block import Origin, block, left_out
from workbench.document.graph import Graph
from workbench.errors import UserError, first_line
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Architecture, Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Component
    from workbench.plugin_api.importer import (
        Arrays,
        Guess,
        ImportRequest,
        Published,
    )


ZERO_STD = 0.02
"""Deviation of weights that a library leaves at zero where it has none that were trained."""


@dataclass(frozen=True)
class Recipe:
    """How a network's samples are prepared and what its outputs are called, as published."""

    input_shape: tuple[int, int, int]
    preprocessing: Component
    classes: tuple[str, ...] = ()


class TorchLibrary(Importer):
    """A library that builds networks of PyTorch by name."""

    package: ClassVar[str]
    install: ClassVar[str]

    def availability(self) -> Availability:
        """Look for the library without importing it."""
        if importlib.util.find_spec(self.package) is None:
            return Availability(False, f"{self.package} is not installed.", self.install)
        return Availability(True)

    def architectures(self) -> Sequence[Architecture]:
        """Return what the index knows, and which published weights lie here."""
        return [self._with_weights(each) for each in _index.entries(self.id)]

    def architecture(self, name: str) -> Architecture:
        """Return one of them; of a library newer than the index, too."""
        if name not in {each.name for each in _index.entries(self.id)} and name in self.names():
            return self._unindexed(name)
        return self._with_weights(_index.entry(self.id, self.title, name))

    def guesses(self, arrays: Arrays) -> Sequence[Guess]:
        """Return architectures whose weights have these names or shapes."""
        return _index.guesses(self.id, arrays.shapes)

    def read(self, request: ImportRequest) -> Imported:
        """Build and fill one network; expand it, or keep it as a block."""
        self.architecture(request.source)  # says so where there is none of that name
        request.tell(f"Building {request.source}")
        module, assignment, origin = self._filled(request)
        module = module.eval().float()
        recipe = self.recipe(module, request.source, request.published)
        if assignment.head:
            recipe = replace(recipe, classes=())
        found = Imported(
            name=request.source,
            origin=origin,
            graph=Graph(),
            weights={},
            input_shape=recipe.input_shape,
            original=_runner(module),
            rounding=lambda inputs: _rounding(module, inputs),
            parameters=0,
            preprocessing=recipe.preprocessing,
            matched=len(assignment.theirs),
            renamed=assignment.renamed,
            skipped=[f"{name} of the file" for name in assignment.unused],
            changed=tuple(_changes(assignment)),
        )
        if request.form == "block":
            return self._kept(module, found, recipe, "that was asked for")
        try:
            return _expanded(module, found, recipe, request)
        except NotCoveredError as error:
            if request.form == "nodes":
                raise
            return self._kept(module, found, recipe, error.message.rstrip("."))

    def _kept(self, module: Any, found: Imported, recipe: Recipe, reason: str) -> Imported:
        """Return the network as one block."""
        origin = Origin(
            library=self.id,
            architecture=found.name,
            options=self.options(module),
            input=recipe.input_shape,
        )
        made = block(module, origin)
        return replace(
            found,
            graph=made.graph,
            weights=made.weights,
            parameters=made.parameters,
            classes=recipe.classes if made.classes == len(recipe.classes) else (),
            skipped=(*left_out(made.unused), *found.skipped),
            whole=reason,
        )

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Return what the library that is installed can build; imports it."""

    @abstractmethod
    def build(self, name: str, classes: int | None = None) -> Any:
        """Return a network with random weights; `classes` other than its own change the head."""

    @abstractmethod
    def options(self, module: Any) -> Mapping[str, Any]:
        """Return what its constructor is given besides the name, to build a network again."""

    @abstractmethod
    def published(self, name: str, weights: str, tell: Callable[[str], None]) -> Any:
        """Return a network with published weights, through the library's own loader.

        Args:
            tell: takes a few words on a download.
        """

    @abstractmethod
    def recipe(self, module: Any, name: str, published: str) -> Recipe:
        """Return what was published of its inputs and outputs."""

    @abstractmethod
    def is_here(self, weights: Published) -> bool:
        """Say whether published weights lie in the library's cache."""

    def _with_weights(self, known: _index.Entry) -> Architecture:
        weights = tuple(
            msgspec.structs.replace(each, is_here=self.is_here(each)) for each in known.weights
        )
        return msgspec.structs.replace(known, weights=weights)

    def _unindexed(self, name: str) -> Architecture:
        module = self.build(name)
        return Architecture(
            importer=self.id,
            name=name,
            parameters=sum(value.numel() for value in module.parameters()),
            classes=getattr(module, "num_classes", 1000),
        )

    def _filled(self, request: ImportRequest) -> tuple[Any, Assignment, str]:
        """Return the network with its weights, and where they are from."""
        name, arrays = request.source, request.arrays
        if arrays is not None:
            module = self.build(name)
            own = weights_of(module)
            classes = self.architecture(name).classes
            found = classes_in(own, arrays.shapes, classes)
            if found != classes:
                module = self.build(name, found)
                own = weights_of(module)
            assignment = assign(own, arrays, name)
            request.tell("Reading the weights")
            load(module, assignment, arrays)
            file = request.file.name if request.file is not None else "a file"
            return module, assignment, f"{name} of {self.title} with the weights of {file}"
        if request.published:
            request.tell(f"Loading {request.published}")
            with _plainly(name, request.published):
                module = self.published(name, request.published, request.tell)
            theirs = {own: own for own in weights_of(module)}
            origin = f"{name} of {self.title} with the weights {request.published}"
            return module, Assignment(theirs), origin
        module = self.build(name)
        _fill_zeros(module)
        origin = f"{name} of {self.title}, with random weights"
        return module, Assignment({}), origin


def unknown_weights(name: str, weights: str, known: Iterable[str]) -> UserError:
    """Return what is said where nobody has published weights of a name."""
    found = ", ".join(known)
    return UserError(
        f"No weights “{weights}” of {name} were published.",
        f"There are: {found}." if found else "There are none of it: leave out the weights.",
    )


def _runner(module: Any, *, channels_last: bool = False) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what runs a network of pictures, in its precision and a layout of memory."""

    def run(inputs: NDArray[Any]) -> NDArray[Any]:
        import torch

        kind = next(module.parameters()).dtype
        layout = torch.channels_last if channels_last else torch.contiguous_format
        batch = torch.from_numpy(inputs).permute(0, 3, 1, 2).to(kind)
        with torch.no_grad():
            answer: NDArray[Any] = module(batch.contiguous(memory_format=layout)).numpy()
        return answer

    return run


def _rounding(module: Any, inputs: NDArray[Any]) -> float:
    """Return how far float32 takes the outputs, in either layout of memory."""
    exact = _runner(copy.deepcopy(module).double())(inputs)
    rounded = (_runner(module, channels_last=last)(inputs) for last in (False, True))
    return max(float(np.abs(each - exact).max()) for each in rounded)


def _fill_zeros(module: Any) -> None:
    """Fill linear layers that start at zero, whose outputs could not be compared."""
    import torch

    for part in module.modules():
        if type(part) is torch.nn.Linear and not part.weight.any():
            torch.nn.init.normal_(part.weight, std=ZERO_STD)


@contextlib.contextmanager
def _plainly(name: str, weights: str) -> Iterator[None]:
    """Say in words that weights cannot be had."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # every loader raises its own kinds without a network
        raise UserError(
            f"The weights “{weights}” of {name} are not on this computer, and could not be "
            f"downloaded: {first_line(error).rstrip('.')}.",
            "Import them where there is a network, copy them into the library's cache, or give "
            "a weights file.",
        ) from error


def _expanded(module: Any, found: Imported, recipe: Recipe, request: ImportRequest) -> Imported:
    """Return the network as layers of the catalogue; raises NotCoveredError."""
    from plugins.importers._aten_program import expand

    request.tell("Turning it into layers")
    try:
        expanded = expand(module, recipe.input_shape)
    except UserError:
        raise
    except Exception as error:  # whatever tracing the network's own code raises
        raise NotCoveredError(f"The network cannot be traced: {first_line(error)}.") from error
    parameters = {name: value.numel() for name, value in module.named_parameters()}
    unused = sorted(set(parameters) - expanded.used)
    return replace(
        found,
        graph=expanded.graph,
        weights=expanded.weights,
        parameters=expanded.parameters,
        classes=recipe.classes if _outputs(expanded) == len(recipe.classes) else (),
        skipped=(*left_out(unused), *found.skipped),
        changed=(*found.changed, *_without_depth(module), *expanded.changed),
    )


def _changes(assignment: Assignment) -> Iterator[str]:
    if assignment.head:
        yield f"Its last layer, {assignment.head}, is not in the file and starts anew."
    if assignment.by_order:
        yield (
            "The names in the file are others: its arrays were taken in their order, all of the "
            "same shapes and sorts."
        )


def _without_depth(module: Any) -> Iterator[str]:
    places = sum(
        type(part).__name__ in ("DropPath", "StochasticDepth") for part in module.modules()
    )
    if places:
        yield (
            f"Stochastic depth, which leaves out whole branches while training ({places} places), "
            "is not part of the layers."
        )


def _outputs(expanded: Any) -> int:
    """Return the number of outputs: the largest place of the last bias or kernel."""
    last = [array for name, array in expanded.weights.items() if name.endswith("/kernel")]
    return int(last[-1].shape[-1]) if last else 0
