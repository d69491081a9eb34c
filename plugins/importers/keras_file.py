"""Keras models in files: .keras, and .h5 of Keras 2 and 3."""

from __future__ import annotations

import json
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._keras_models import availability, input_shape_of, keras_here, runner
from plugins.importers._layouts import INPUT_SIZES
from workbench.document.experiment import Component
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._keras_graph import ExpandedKeras
    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.importer import ImportRequest

HDF5 = b"\x89HDF\r\n\x1a\n"
LARGEST_CONFIG = 64 * 2**20
CONTAINERS = ("Functional", "Model", "Sequential", "InputLayer")
ELSEWHERE = (
    "Save it as ONNX where it is at home, model.export(“name.onnx”, format=“onnx”): such a file is "
    "kept as one block where layers cannot do what it does."
)
MASKING = ("NotEqual", "Any", "All", "LogicalAnd", "LogicalOr")
"""Operations that masks are made of."""
MASKED = (
    *("Input", "Output", "Embedding", "LSTM", "GRU", "SimpleRNN", "MultiHeadAttention", "Dense"),
    *("LayerNorm", "RMSNorm", "Dropout", "GaussianNoise", "GlobalAveragePool", "Add", "Subtract"),
    *("Multiply", "Average", "Maximum", "Minimum", "Concatenate", "ReLU", "LeakyReLU", "ELU"),
    *("SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softmax", "Softplus", "Softsign"),
)
"""Layers that work on each step by itself in Keras, or leave out what is masked."""
OWN_MODULES = ("keras", "builtins", "tensorflow.python.keras", "tf_keras")


class KerasFileImporter(Importer):
    """Whole models; only layers that Keras knows itself are made, no code of the file is run."""

    id = "keras_file"
    title = "Keras file"
    help = "A model that Keras saved whole: .keras, or .h5 of Keras 2 or 3."
    suffixes = (".keras", ".h5", ".hdf5")

    def availability(self) -> Availability:
        """Look for Keras without importing it."""
        return availability()

    def opens(self, path: Path) -> bool:
        """Say whether a file has a model's configuration beside its weights."""
        try:
            return bool(_config(path)[0])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return False

    def read(self, request: ImportRequest) -> Imported:
        """Check the configuration, load the model, expand it."""
        from plugins.importers._keras_graph import expand_keras

        assert request.file is not None
        path = request.file
        text, version = _config(path)
        try:
            config = json.loads(text)
        except ValueError as error:
            raise UserError(f"The configuration in {path.name} cannot be read.") from error
        _refuse_code(config, path.name)
        _refuse_old_meanings(config, version)
        request.tell("Importing Keras")
        keras = keras_here(has_uneven_pools=_has_uneven_pools(config))
        request.tell(f"Loading {path.name}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = keras.models.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # whatever an old or damaged file makes Keras raise
            raise UserError(
                f"Keras cannot load {path.name}: {first_line(error)}.",
                "It may be damaged, or of a version of Keras that is too old.",
            ) from error
        changed = _in_single_precision(model)
        shape = input_shape_of(model)
        request.tell("Turning it into layers")
        try:
            expanded = expand_keras(model)
        except NotCoveredError as error:
            raise NotCoveredError(error.message, error.hint or ELSEWHERE) from error
        shape, words = _settled(shape, expanded)
        changed += [*expanded.changed, *words]
        preprocessing = None
        if len(shape) == 3 and shape[-1] in (1, 3):
            preprocessing = _preprocessing(shape)
            changed.append(
                "The file does not say how its pictures were scaled: set that in the data "
                "settings, here they are 0 … 1."
            )
        made_by = f" of Keras {version}" if version else ""
        return Imported(
            name=path.stem,
            origin=f"the model in {path.name}{made_by}",
            graph=expanded.graph,
            weights=expanded.weights,
            input_shape=shape,
            original=runner(model),
            parameters=expanded.parameters,
            preprocessing=preprocessing,
            vocabulary=expanded.vocabulary,
            padding=0 if expanded.masks else -1,
            padded=_padded(model) if expanded.masks and not _unmasked(expanded) else None,
            matched=len(expanded.weights),
            skipped=expanded.skipped,
            changed=changed,
        )


def _in_single_precision(model: Any) -> list[str]:
    """Let a model compute in float32, as it is compared; return what has to be said of that."""
    reduced = [each for each in model._flatten_layers() if each.compute_dtype != "float32"]
    for each in reduced:
        each.dtype_policy = "float32"
    if not reduced or all(each.compute_dtype.startswith("int") for each in reduced):
        return []
    return ["It computed in half precision; here it is float32, unless the training settings say."]


def _settled(
    shape: tuple[int | None, ...], expanded: ExpandedKeras
) -> tuple[tuple[int | None, ...], list[str]]:
    """Return a shape in which what may be free is free, or has a size, and what is said of it."""
    kinds = {node.type for node in expanded.graph.nodes}
    if expanded.masks:
        words = "It left out tokens 0, which fill texts up; "
        if kinds & {"Flatten", "Reshape"}:
            return shape, [words + "here they count as any other token."]
        told = [words + "here the data say how long a text is."]
        if others := _unmasked(expanded):
            told.append(
                f"In {', '.join(others)} they counted all the same, as Keras has no mask there; "
                "here what fills up counts nowhere."
            )
        return (None, *shape[1:]), told
    if len(shape) == 3 and None in shape:
        size = INPUT_SIZES[0]
        words = f"The file takes pictures of any size; here they are {size} × {size}."
        return tuple(each or size for each in shape), [words]
    return shape, []


def _unmasked(expanded: ExpandedKeras) -> list[str]:
    """Return the kinds of layers that give no heed to masks in Keras."""
    return sorted({node.type for node in expanded.graph.nodes} - set(MASKED))


def _padded(model: Any) -> Callable[[NDArray[Any], Sequence[int]], list[NDArray[np.float32]]]:
    """Return what runs a model on texts that are filled up after so many tokens."""
    run = runner(model)

    def padded(inputs: NDArray[Any], lengths: Sequence[int]) -> list[NDArray[np.float32]]:
        real = np.arange(inputs.shape[1]) < np.asarray(lengths)[:, None]
        return run(np.where(real, inputs, 0))

    return padded


def _preprocessing(shape: tuple[int | None, ...]) -> Component:
    height, width, channels = shape
    colours = "grayscale" if channels == 1 else "rgb"
    return Component("image", {"height": height, "width": width, "channels": colours})


def _config(path: Path) -> tuple[str, str]:
    """Return a model's configuration as text, and the version of Keras; empty where it has none."""
    with path.open("rb") as stream:
        head = stream.read(len(HDF5))
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            if "config.json" not in archive.namelist():
                return "", ""
            if archive.getinfo("config.json").file_size > LARGEST_CONFIG:
                raise UserError(f"The configuration in {path.name} is too large to be one.")
            text = archive.read("config.json").decode("utf-8", "replace")
            metadata = json.loads(archive.read("metadata.json"))
            return text, str(metadata.get("keras_version", ""))
    if head != HDF5:
        return "", ""
    import h5py

    with h5py.File(path, "r") as file:
        found, version = file.attrs.get("model_config", b""), file.attrs.get("keras_version", b"")
    return _text(found), _text(version)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _refuse_code(config: Any, name: str) -> None:
    """Raise a UserError for anything in a configuration that is not Keras' own.

    Keras makes what a configuration names before anybody can look at it, so that is looked at
    first: no Lambda with Python's byte code, no class of another package.
    """
    from plugins.importers._keras_layers import LAYERS, OPERATIONS

    known = {*LAYERS, *OPERATIONS, *CONTAINERS, *MASKING}
    own = str(config.get("class_name", ""))
    if own not in CONTAINERS:
        raise UserError(
            f"{name} is a model of a class of its own, {own}, whose code is not in the file.",
            ELSEWHERE,
        )
    for part in _parts(config):
        kind, module = str(part.get("class_name", "")), part.get("module")
        if kind in ("Lambda", "__lambda__") or (kind == "function" and module):
            raise UserError(
                f"{name} holds a Lambda layer, whose Python code would be run by loading it.",
                "Replace it by ordinary layers where the model is at home, and save it again.",
            )
        if module and not str(module).startswith(OWN_MODULES):
            raise UserError(
                f"{name} names {module}.{kind}, a class of another program, which is not loaded.",
                "Replace it by ordinary layers where the model is at home, and save it again.",
            )
    for part in _layers(config):
        if part["class_name"] not in known:
            raise NotCoveredError(
                f"{name} has a layer {part['class_name']}, for which there is no layer here.",
                ELSEWHERE,
            )


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _parts(value)
    elif isinstance(config, list):
        for value in config:
            yield from _parts(value)


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Yield the configurations of layers: those in lists called "layers", however deep."""
    if isinstance(config, dict):
        inner = config.get("config")
        found = inner if isinstance(inner, list) else config.get("layers", ())
        for each in found if isinstance(found, list) else ():
            if isinstance(each, dict) and "class_name" in each:
                yield each
        for value in config.values():
            yield from _layers(value)
    elif isinstance(config, list):
        for value in config:
            yield from _layers(value)


def _has_uneven_pools(config: Any) -> bool:
    """Say whether there are average pools whose padding may be uneven."""
    return any(
        str(part["class_name"]).startswith("AveragePooling")
        and part["config"].get("padding") == "same"
        for part in _layers(config)
        if isinstance(part.get("config"), dict)
    )


def _refuse_old_meanings(config: Any, version: str) -> None:
    """Keras 2 drew the hard sigmoid with other lines: max(0, min(1, 0.2·x + 0.5))."""
    if not version.startswith(("1.", "2.")):
        return
    used = {
        str(part["config"].get(name))
        for part in _parts(config)
        if isinstance(part.get("config"), dict)
        for name in ("activation", "recurrent_activation")
    }
    if "hard_sigmoid" in used:
        raise NotCoveredError(
            f"The model is of Keras {version}, whose hard sigmoid was another function than that "
            "of today."
        )
