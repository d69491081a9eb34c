"""Networks of keras.applications, by name."""

from __future__ import annotations

import contextlib
import inspect
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from plugins.importers import _index
from plugins.importers._downloading import fetch
from plugins.importers._keras_models import availability, input_shape_of, keras_here, runner
from workbench.document.experiment import Component
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import Imported, Importer, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.importer import Architecture, ImportRequest

# keras.applications' own `preprocess_input`: "caffe" is blue first, without the mean and 0…255;
# "tf" is −1…1, "torch" ImageNet's mean and deviation; the rest have it in their first layers.
CAFFE = ("ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19")
TORCH = ("DenseNet121", "DenseNet169", "DenseNet201")
INSIDE = ("EfficientNet", "MobileNetV3", "ConvNeXt")
WITH_DENSE = ("vgg16", "vgg19", "convnext")
"""Families with dense layers before the last one; the others have convolutions alone."""
IMAGENET = 1000
"""Classes of what is published."""
SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}
"""Height and width of what they were made for, where that is not 224."""


class KerasImporter(Importer):
    """ImageNet classifiers of Keras; weights in Keras' cache are used from there."""

    id = "keras"
    title = "keras.applications"
    help = "Keras' own collection of networks for pictures."

    def availability(self) -> Availability:
        """Look for Keras without importing it."""
        return availability()

    def architectures(self) -> Sequence[Architecture]:
        """Return what the index knows."""
        return [_with_weights(each) for each in _index.entries(self.id)]

    def architecture(self, name: str) -> Architecture:
        """Return one of them."""
        return _with_weights(_index.entry(self.id, self.title, name))

    def read(self, request: ImportRequest) -> Imported:
        """Build, fill and expand one network."""
        from plugins.importers._keras_graph import expand_keras

        known = self.architecture(request.source)
        request.tell("Importing Keras")
        keras_here(has_uneven_pools=request.source.startswith("NASNet"))
        request.tell(f"Building {request.source}")
        if request.arrays is not None:
            model, weights = self._filled(request), f"the weights of {request.file.name}"
        else:
            with downloads(request.tell):
                model = self.build(request.source, request.published)
            weights = f"the weights {request.published}" if request.published else ""
        request.tell("Turning it into layers")
        expanded = expand_keras(model)
        outputs = model.output_shape[-1]
        return Imported(
            name=request.source,
            origin=f"{request.source} of {self.title}, with {weights or 'random weights'}",
            graph=expanded.graph,
            weights=expanded.weights,
            input_shape=input_shape_of(model),
            original=runner(model),
            parameters=expanded.parameters,
            preprocessing=_preprocessing(request.source, known.input),
            classes=_classes() if known.classes == outputs == IMAGENET else (),
            matched=len(expanded.weights) if weights else 0,
            skipped=expanded.skipped,
            changed=expanded.changed,
        )

    def _filled(self, request: ImportRequest) -> Any:
        """Return a network with the weights of a file; how many classes it has is told by them."""
        model = self.build(request.source)
        head = [layer for layer in model.layers if layer.weights][-1]
        body, a_class = model.count_params() - head.count_params(), head.count_params() // IMAGENET
        held = sum(math.prod(shape) for shape in request.arrays.shapes.values())
        classes, rest = divmod(held - body, a_class)
        try:
            if rest or classes < 1:
                raise ValueError(f"it holds {held} numbers, and {body} come before the head")
            if classes != IMAGENET:
                model = self.build(request.source, classes=classes)
            model.load_weights(str(request.file))
        except Exception as error:
            raise UserError(
                f"The weights in {request.file.name} are not those of {request.source}: "
                f"{first_line(error).rstrip('.')}.",
                "They have to be of the whole network, with its head. Or save the model itself "
                "where it was trained: model.save(“name.keras”).",
            ) from error
        return model

    def build(self, name: str, published: str = "", classes: int = IMAGENET) -> Any:
        """Return a network, with random weights unless published ones are named.

        Raises:
            UserError: the weights are neither here nor to be had.
        """
        import keras

        function = getattr(keras.applications, name)
        try:
            size = SIZES.get(name, 224)  # some have none of their own
            return function(weights=published or None, input_shape=(size, size, 3), classes=classes)
        except UserError:
            raise
        except Exception as error:
            if not published:
                raise
            raise UserError(
                f"The weights “{published}” of {name} are not on this computer, and could not be "
                f"downloaded: {first_line(error).rstrip('.')}.",
                "Import them where there is a network, or copy them into Keras' cache "
                "(~/.keras/models).",
            ) from error


@contextlib.contextmanager
def downloads(tell: Callable[[str], None]) -> Iterator[None]:
    """Let Keras' own loader, which checks the hashes, download what can be gone on with."""
    from keras.src.utils import file_utils

    def retrieve(url: str, target: str, hook: Any = None) -> None:
        file = Path(target)
        file.unlink(missing_ok=True)  # Keras asks anew for a file that has another hash
        fetch(url, file, tell)

    before = file_utils.urlretrieve
    file_utils.urlretrieve = retrieve
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it says where it downloads from
            yield
    finally:
        file_utils.urlretrieve = before


def index_entries() -> Iterator[_index.Entry]:
    """Yield what the index keeps of each network; none is built, so none is counted."""
    keras = keras_here()
    for name, function in inspect.getmembers(keras.applications, inspect.isfunction):
        size = SIZES.get(name, 224)
        module = inspect.getmodule(function)
        family = module.__name__.rpartition(".")[2] if module is not None else ""
        yield _index.Entry(
            importer="keras",
            name=name,
            family=family,
            adaptable=family in WITH_DENSE,
            input=(size, size, 3),
            weights=(Published(name="imagenet"),),
        )


def _with_weights(known: _index.Entry) -> Architecture:
    """Say which weights lie in Keras' cache, whose place KERAS_HOME moves."""
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    stem = known.name.lower()
    names = [path.name.lower().replace("_", "") for path in folder.glob("*.h5")]
    is_here = any(
        (name == f"{stem}.h5" or name.startswith(f"{stem}weights")) and "notop" not in name
        for name in names
    )
    weights = tuple(msgspec.structs.replace(each, is_here=is_here) for each in known.weights)
    return msgspec.structs.replace(known, weights=weights)


def _preprocessing(name: str, shape: tuple[int, int, int]) -> Component:
    params: dict[str, Any] = {
        "height": shape[0],
        "width": shape[1],
        "channels": "rgb",
        "resize": "stretch",
        "interpolation": "bilinear",
    }
    if name in CAFFE:
        params |= {
            "scaling": "given",
            "mean": [123.68 / 255, 116.779 / 255, 103.939 / 255],
            "deviation": [1 / 255] * 3,
            "colour_order": "bgr",
        }
    elif name in TORCH:
        params["scaling"] = "imagenet"
    else:
        params["scaling"] = "none" if name.startswith(INSIDE) else "minus_one_one"
    return Component("image", params)


def _classes() -> tuple[str, ...]:
    """Return the names of ImageNet's classes, which torchvision has in the same order."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return tuple(_IMAGENET_CATEGORIES)
