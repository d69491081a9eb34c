"""TensorFlow's SavedModel folders: by way of ONNX they become layers, or one block."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from plugins.importers import _saved_model_child
from workbench.errors import UserError
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.importer import ImportRequest

FILE = "saved_model.pb"
REACHING = (
    *("ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc"),
    *("WholeFileReaderV2", "TextLineReaderV2", "TFRecordReaderV2", "FixedLengthRecordReaderV2"),
    *("PrintV2", "RemoteCall", "XlaLaunch"),
)
"""Operations that do more than to give values."""
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",  # this process may have Keras on another framework
}
NEEDED = ("tensorflow", "tf2onnx", "onnx", "onnxruntime")


class SavedModelImporter(Importer):
    """TensorFlow converts and answers in a process of its own: it cannot live beside PyTorch."""

    id = "saved_model"
    title = "SavedModel folder"
    help = "A graph that TensorFlow or Keras saved to be served."

    def availability(self) -> Availability:
        """Look for TensorFlow and its converter without importing them."""
        for package in NEEDED:
            if importlib.util.find_spec(package) is None:
                return Availability(
                    False,
                    f"{package} is not installed.",
                    'pip install "neural-workbench[saved-model]"',
                )
        return Availability(True)

    def opens(self, path: Path) -> bool:
        """Say whether it is such a folder, or the file in it."""
        return (_folder(path) / FILE).is_file()

    def read(self, request: ImportRequest) -> Imported:
        """Convert the signature that is served, and make layers or a block of it."""
        assert request.file is not None
        folder = _folder(request.file)
        _refuse_reaching(folder)
        with tempfile.TemporaryDirectory(prefix="workbench-saved-model-") as name:
            target = Path(name) / f"{folder.resolve().name}.onnx"
            request.tell("Converting it with TensorFlow")
            original = _Session(folder, target)
            found = _imported(target, request, original)
        words = f"the signature {original.signature} of the SavedModel {folder.resolve().name}"
        return replace(found, origin=f"{words}, by way of {found.origin.partition(', ')[2]}")


def _folder(path: Path) -> Path:
    return path.parent if path.name == FILE else path


def _imported(target: Path, request: ImportRequest, original: _Session) -> Imported:
    from plugins.importers._onnx_import import imported, kept

    if request.form == "block":
        return kept(target, "that was asked for", request.tell, original.of)
    try:
        return imported(target, request.tell, original.of)
    except NotCoveredError as refusal:
        if request.form == "nodes":
            raise
        reason = refusal.message.rstrip(".")
        return kept(target, reason, request.tell, original.of)


class _Session:
    """TensorFlow in a process of its own: converts, then answers as onnxruntime's session would.

    It ends with this object.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", _saved_model_child.__file__, str(folder), str(target)],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._end = weakref.finalize(self, _end, self._process, self._errors)
        self.signature = str(self._told()["signature"])

    def of(self, content: bytes) -> _Session:
        """Return what answers for a model that was converted; its content is not needed."""
        return self

    def run(self, wanted: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return outputs by name."""
        (array,) = feed.values()
        with tempfile.TemporaryDirectory(prefix="workbench-saved-model-") as name:
            given, found = Path(name) / "inputs.npz", Path(name) / "outputs.npz"
            np.savez(given, array)
            asked = {"inputs": str(given), "outputs": str(found)}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            self._told()
            with np.load(found) as outputs:
                return [outputs[each] for each in wanted]

    def _told(self) -> dict[str, Any]:
        """Return the next answer; raises UserError with the last words of a process that failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            told: dict[str, Any] = json.loads(line)
            return told
        self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        last = words[-1].strip()[:300].rstrip(".") if words else "it ended without a word"
        self._end()
        raise UserError(
            f"TensorFlow cannot bring this SavedModel to ONNX: {last}.",
            "Save a Keras model as .keras instead, and what reads texts from the tokens on.",
        )


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.communicate()
    errors.close()


def _refuse_reaching(folder: Path) -> None:
    """Raise a UserError for a graph that reads or writes files, or calls Python.

    TensorFlow may run parts of a graph while it loads it, so that the file is looked through
    before: `op` is field 2 of a NodeDef, a tag, a length and the name.
    """
    content = (folder / FILE).read_bytes()
    for name in REACHING:
        if bytes([0x12, len(name)]) + name.encode() in content:
            raise UserError(
                f"{folder.resolve().name} is not loaded: it has an operation that reaches beyond "
                f"its values ({name}).",
                "Save the model without it, or take it from somebody you trust as .keras.",
            )
