"""Layers of pictures at each step of a sequence: the same weights for every picture of a video."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from plugins.layers._source import call
from plugins.layers.conv import Conv2D
from plugins.layers.depthwise import DepthwiseConv2D, SeparableConv2D
from plugins.layers.pooling import AveragePool2D, MaxPool2D
from plugins.layers.pooling_global import GlobalAveragePool, GlobalMaxPool
from plugins.layers.shape import Flatten
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec, need_rank
from workbench.plugin_api.tensors import SEQUENCE_AXES, TensorType

_KEYWORDS = ("time distributed", "video", "frames", "each step")
_REFERENCE = "https://keras.io/api/layers/recurrent_layers/time_distributed/"

_TORCH_EACH_STEP = '''\
def each_step(x, layer):
    """Apply a layer of channels-first pictures at each step: N × time × space × channels."""
    y = layer(x.flatten(0, 1).movedim(-1, 1))
    return y.movedim(1, -1).unflatten(0, x.shape[:2])
'''

_KERAS_EACH_STEP = '''\
@keras.saving.register_keras_serializable("workbench")
class EachStep(layers.Layer):
    """Layers one after another at each step: batch × time × … to batch × time × …."""

    def __init__(self, layer, before=None, after=None, **options):
        super().__init__(**options)
        self.layer, self.before, self.after = layer, before, after
        self.parts = [part for part in (before, layer, after) if part]

    def build(self, input_shape):
        shape = (None, *input_shape[2:])
        for part in self.parts:
            if not part.built:  # one that was saved comes built
                part.build(shape)
            shape = part.compute_output_shape(shape)

    def call(self, x):
        y = ops.reshape(x, (-1, *x.shape[2:]))
        for part in self.parts:
            y = part(y)
        return ops.reshape(y, (-1, ops.shape(x)[1], *y.shape[1:]))

    def compute_output_shape(self, input_shape):
        shape = (None, *input_shape[2:])
        for part in self.parts:
            shape = part.compute_output_shape(shape)
        return (*input_shape[:2], *shape[1:])

    def get_config(self):
        parts = {"layer": self.layer, "before": self.before, "after": self.after}
        saved = {
            name: part and keras.saving.serialize_keras_object(part)
            for name, part in parts.items()
        }
        return {**super().get_config(), **saved}

    @classmethod
    def from_config(cls, config):
        for name in ("layer", "before", "after"):
            config[name] = config[name] and keras.saving.deserialize_keras_object(
                config[name]
            )
        return cls(**config)
'''
_CHAIN = re.compile(r"(?:(?P<last>.+)\()?\{self\}\((?:(?P<first>.+)\(\{0\}\)|\{0\})\)(?(last)\))")
"""Keras code of one layer, with another one before and after it or not."""


class _EachStep(Layer, frozen=True, kw_only=True):
    """A layer of pictures, its settings included, that works on each step of a sequence alike."""

    wrapped: ClassVar[type[Layer]]
    rank: ClassVar[int] = 3
    reference = _REFERENCE

    @property
    def layer(self) -> Layer:
        """The layer that each step goes through."""
        names = self.wrapped.__struct_fields__
        return self.wrapped(**{name: getattr(self, name) for name in names})

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return time × what the layer gives; raises ShapeError unless pictures come in."""
        tensor = inputs[0]
        need_rank(
            self,
            tensor,
            4,
            "time × height × width × channels",
            "Use the layer that takes one picture, or add Reshape before it.",
        )
        each = self.layer.output([_picture(tensor)])
        axes = (tensor.axes[0], *each.axes) if each.rank > 1 else SEQUENCE_AXES
        return TensorType((tensor.shape[0], *each.shape), axes, each.dtype)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return those of the layer, once."""
        return self.layer.weights([_picture(inputs[0])])

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return steps × those of the layer."""
        return (inputs[0].shape[0] or 1) * self.layer.multiply_adds([_picture(inputs[0])])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the layer's code with all steps of all samples as one batch."""
        code = self.layer.torch([_picture(inputs[0])], "channels_first")
        given = "y.movedim(1, -1)" if code.layout == "channels_last" else "y"
        each = "{self}"
        if code.call != "{self}({0})":
            each = f"lambda y: {code.call.replace('{0}', given)}"
        return replace(
            code,
            call=call("each_step", "{0}", each),
            layout="channels_last",
            helpers={**code.helpers, "each_step": _TORCH_EACH_STEP},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer around Keras' own; its TimeDistributed takes step after step."""
        code = self.layer.keras([_picture(inputs[0])])
        chain = _CHAIN.fullmatch(code.call)
        if chain is None:
            raise ValueError(f"{self.wrapped.id} is no chain of Keras layers: {code.call}")
        before, after = (_unnamed(chain[group]) for group in ("first", "last"))
        init = call("EachStep", code.init, before=before, after=after)
        binds = {
            name: replace(bind, attribute=f"layer.{bind.attribute}")
            for name, bind in code.binds.items()
        }
        return Code(
            "{self}({0})", init, binds=binds, helpers={**code.helpers, "EachStep": _KERAS_EACH_STEP}
        )

    def summary(self) -> str:
        """Return the layer's."""
        return self.layer.summary()


def _unnamed(made: str | None) -> str | None:
    """Return the constructor of a layer without its name, which only one can have."""
    return made and re.sub(r', name="\{name\}\.\w+"', "", made)


def _picture(tensor: TensorType) -> TensorType:
    """Return the type of one step."""
    return TensorType(tensor.shape[1:], tensor.axes[1:], tensor.dtype)


class TimeDistributedConv2D(_EachStep, Conv2D, frozen=True, kw_only=True):
    """A convolution of each picture of a video."""

    id = "TimeDistributedConv2D"
    title = "Conv 2D, each step"
    help = "Convolves each picture of a video with the same kernel."
    keywords = (*_KEYWORDS, "convolution")
    wrapped = Conv2D


class TimeDistributedDepthwiseConv2D(_EachStep, DepthwiseConv2D, frozen=True, kw_only=True):
    """A depthwise convolution of each picture of a video."""

    id = "TimeDistributedDepthwiseConv2D"
    title = "Depthwise conv, each step"
    help = "Filters each channel of each picture of a video by itself."
    keywords = (*_KEYWORDS, "convolution", "mobilenet")
    wrapped = DepthwiseConv2D


class TimeDistributedSeparableConv2D(_EachStep, SeparableConv2D, frozen=True, kw_only=True):
    """A separable convolution of each picture of a video."""

    id = "TimeDistributedSeparableConv2D"
    title = "Separable conv, each step"
    help = "Filters each channel of each picture of a video, then mixes the channels."
    keywords = (*_KEYWORDS, "convolution", "xception")
    wrapped = SeparableConv2D


class TimeDistributedMaxPool2D(_EachStep, MaxPool2D, frozen=True, kw_only=True):
    """Max pooling of each picture of a video."""

    id = "TimeDistributedMaxPool2D"
    title = "Max pool, each step"
    help = "Keeps the largest value of each window of each picture of a video."
    keywords = _KEYWORDS
    wrapped = MaxPool2D


class TimeDistributedAveragePool2D(_EachStep, AveragePool2D, frozen=True, kw_only=True):
    """Average pooling of each picture of a video."""

    id = "TimeDistributedAveragePool2D"
    title = "Average pool, each step"
    help = "Takes the mean of each window of each picture of a video."
    keywords = (*_KEYWORDS, "mean")
    wrapped = AveragePool2D


class TimeDistributedGlobalAveragePool(_EachStep, GlobalAveragePool, frozen=True, kw_only=True):
    """Mean of each channel of each picture of a video."""

    id = "TimeDistributedGlobalAveragePool"
    title = "Global average pool, each step"
    help = "Makes a row of features of each picture of a video; a recurrent layer often follows."
    keywords = (*_KEYWORDS, "gap", "mean")
    wrapped = GlobalAveragePool


class TimeDistributedGlobalMaxPool(_EachStep, GlobalMaxPool, frozen=True, kw_only=True):
    """Largest value of each channel of each picture of a video."""

    id = "TimeDistributedGlobalMaxPool"
    title = "Global max pool, each step"
    help = "Keeps the largest value of each channel of each picture of a video."
    keywords = (*_KEYWORDS, "gmp")
    wrapped = GlobalMaxPool


class TimeDistributedFlatten(_EachStep, Flatten, frozen=True, kw_only=True):
    """All values of each picture of a video in a row."""

    id = "TimeDistributedFlatten"
    title = "Flatten, each step"
    help = "Lays all values of each picture of a video in a row; a recurrent layer often follows."
    keywords = (*_KEYWORDS, "vector")
    wrapped = Flatten
