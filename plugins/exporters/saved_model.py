"""TensorFlow's SavedModel: a folder that serves without Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from plugins.exporters.attachments import attachments
from plugins.exporters.keras_writing import KerasExporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest

EXTRA = "assets.extra"
"""Where TensorFlow keeps files for people and other programs."""


class SavedModelExporter(KerasExporter):
    """A graph with one signature, from one tensor to one; lengths are a second input."""

    id = "savedmodel"
    title = "TensorFlow SavedModel"
    help = "For tf.saved_model.load and TensorFlow Serving, without Keras."
    suffix = ""
    frameworks: ClassVar[tuple[str, ...]] = ("tensorflow",)
    writes: ClassVar[str] = "saved_model"
    result: ClassVar[str] = "saved_model"

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Lay the attachments into assets.extra."""
        extra = path / EXTRA
        extra.mkdir()
        for name, text in attachments(request).items():
            (extra / name).write_text(text, encoding="utf-8")
        return ()

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Call the endpoint `serve`."""
        return """
import tensorflow as tf


def prepare(file):
    model = tf.saved_model.load(file)


    def answer(*given):
        integers = [a.astype("int32") if a.dtype.kind == "i" else a for a in given]
        return model.serve(*map(tf.constant, integers)).numpy()

    return answer
"""
