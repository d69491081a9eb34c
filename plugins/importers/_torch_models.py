"""What libraries of PyTorch networks have in common: build, fill, expand."""

from __future__ import annotations

import contextlib
import importlib.util
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from plugins.importers import _index
from plugins.importers._assigning import Assignment, assign, classes_in, load, weights_of
from workbench.errors import UserError
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Architecture, Imported, Importer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Component
    from workbench.plugin_api.importer import (
        Arrays,
        Guess,
        ImportRequest,
        Published,
    )


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
        """Build, fill, trace and expand one network."""
        from plugins.importers._aten_program import expand

        self.architecture(request.source)  # says so where there is none of that name
        request.tell(f"Building {request.source}")
        module, assignment, origin = self._filled(request)
        module = module.eval().float()
        recipe = self.recipe(module, request.source, request.published)
        request.tell("Turning it into layers")
        expanded = expand(module, recipe.input_shape)
        parameters = {name: value.numel() for name, value in module.named_parameters()}
        unused = sorted(set(parameters) - expanded.used)
        skipped = [_skipped(unused)] if unused else []
        skipped += [f"{name} of the file" for name in assignment.unused]
        return Imported(
            name=request.source,
            origin=origin,
            graph=expanded.graph,
            weights=expanded.weights,
            input_shape=recipe.input_shape,
            original=_runner(module),
            parameters=sum(parameters[name] for name in expanded.used if name in parameters),
            preprocessing=recipe.preprocessing,
            classes=recipe.classes if _outputs(expanded) == len(recipe.classes) else (),
            matched=len(assignment.theirs),
            renamed=assignment.renamed,
            skipped=skipped,
            changed=(*_changes(module, assignment), *expanded.changed),
        )

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Return what the library that is installed can build; imports it."""

    @abstractmethod
    def build(self, name: str, classes: int | None = None) -> Any:
        """Return a network with random weights; `classes` other than its own change the head."""

    @abstractmethod
    def published(self, name: str, weights: str) -> Any:
        """Return a network with published weights, through the library's own loader."""

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
                module = self.published(name, request.published)
            theirs = {own: own for own in weights_of(module)}
            origin = f"{name} of {self.title} with the weights {request.published}"
            return module, Assignment(theirs), origin
        module = self.build(name)
        origin = f"{name} of {self.title}, with random weights"
        return module, Assignment({}), origin


def _runner(module: Any) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.no_grad():
            batch = torch.from_numpy(np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)))
            answer: NDArray[np.float32] = module(batch).float().numpy()
        return answer

    return run


@contextlib.contextmanager
def _plainly(name: str, weights: str) -> Iterator[None]:
    """Say in words that weights cannot be had."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # every loader raises its own kinds without a network
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise UserError(
            f"The weights “{weights}” of {name} are not on this computer, and could not be "
            f"downloaded: {reason[:200] or type(error).__name__}.",
            "Import them where there is a network, copy them into the library's cache, or give "
            "a weights file.",
        ) from error


def _changes(module: Any, assignment: Assignment) -> Iterator[str]:
    if assignment.by_order:
        yield (
            "The names in the file are others: its arrays were taken in their order, all of the "
            "same shapes and sorts."
        )
    places = sum(
        type(part).__name__ in ("DropPath", "StochasticDepth") for part in module.modules()
    )
    if places:
        yield (
            f"Stochastic depth, which leaves out whole branches while training ({places} places), "
            "is not part of the layers."
        )


def _skipped(unused: Sequence[str]) -> str:
    many = "s" if len(unused) > 1 else ""
    return f"{len(unused)} weight{many} without a part in the outputs, such as {unused[0]}"


def _outputs(expanded: Any) -> int:
    """Return the number of outputs: the largest place of the last bias or kernel."""
    last = [array for name, array in expanded.weights.items() if name.endswith("/kernel")]
    return int(last[-1].shape[-1]) if last else 0
