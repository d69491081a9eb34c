"""Normalisation over the batch."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from plugins.layers._affine import Normalisation, need_sizes
from plugins.layers._source import call, unless
from plugins.layers._steps import masked_layer, need_series
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_BATCH_NORM = '''\
class BatchNorm(nn.Module):
    """Batch normalisation that keeps the biased variance, as Keras and the paper do.

    nn.BatchNorm normalises alike, but keeps the unbiased variance for evaluation.
    """

    def __init__(self, features, momentum=0.1, eps=1e-5, scale=True, shift=True):
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features)) if scale else None
        self.bias = nn.Parameter(torch.zeros(features)) if shift else None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        rest = self.weight, self.bias, self.training, self.momentum, self.eps
        if not self.training:
            return F.batch_norm(x, mean, variance, *rest)
        count = x.numel() // x.shape[1]
        if count == 1:  # nothing to compare with: the mean is the value itself
            mean.lerp_(x.detach().to(mean.dtype).flatten(), self.momentum)
            variance.mul_(1 - self.momentum)
            zeros, ones = torch.zeros_like(mean), torch.ones_like(mean)
            return F.batch_norm(x - x, zeros, ones, self.weight, self.bias)
        unbiased = variance * (count / (count - 1))
        y = F.batch_norm(x, mean, unbiased, *rest)
        variance.copy_(unbiased * ((count - 1) / count))
        return y
'''

_OVER_REAL_STEPS = '''\
def over_real_steps(norm, x, mask):
    """Apply a batch normalisation whose statistics leave out steps that are not real."""
    if not norm.training:
        return norm(x.flatten(0, 1)).view_as(x)
    y = torch.zeros_like(x)
    y[mask] = norm(x[mask])
    return y
'''

_UNBIASED = '''\
@keras.saving.register_keras_serializable("workbench")
class UnbiasedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation that keeps the unbiased variance, as nn.BatchNorm does."""

    def call(self, inputs, training=None, mask=None):
        kept = self.moving_variance * self.momentum
        outputs = super().call(inputs, training=training, mask=mask)
        if training and self.trainable:
            ones = ops.ones_like(inputs[..., :1])
            if mask is not None:
                ones = ones * ops.cast(ops.expand_dims(mask, -1), ones.dtype)
            count = ops.sum(ones)
            share = count / ops.maximum(count - 1, 1)
            self.moving_variance.assign(kept + (self.moving_variance - kept) * share)
        return outputs
'''


class BatchNorm(Normalisation, frozen=True, kw_only=True):
    """Normalises each channel over the batch."""

    id = "BatchNorm"
    title = "Batch norm"
    help = "Gives each channel mean 0 and deviation 1 over the batch, then scales and shifts it."
    reference = "https://arxiv.org/abs/1502.03167"
    keywords = ("batch normalisation", "batchnormalization", "bn")
    is_over_batch = True

    momentum: Annotated[
        float,
        param(
            "Momentum",
            "Weight of the newest batch in the running mean and variance; Keras counts the other "
            "way round, 0.1 here is 0.9 there",
            above=0,
            maximum=1,
        ),
    ] = 0.1
    running_variance: Annotated[
        Literal["biased", "unbiased"],
        param(
            "Running variance",
            "biased: divided by n, as Keras and the paper do; unbiased: by n - 1, as nn.BatchNorm",
            advanced=True,
        ),
    ] = "biased"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when the channels are not known."""
        need_sizes(self, inputs[0])
        need_series(self, inputs[0])
        if self.running_variance == "unbiased" and inputs[0].rank > 4:
            raise ShapeError(
                f"{self.title} with PyTorch's own variance takes four axes at most.",
                "Set its running variance to “biased”.",
            )
        return inputs[0]

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return gamma, beta, and the statistics moving_mean and moving_variance (channels)."""
        shape = inputs[0].shape[-1:]
        return {
            **self.affine_weights(shape),
            "moving_mean": WeightSpec(shape=shape, initializer="zeros", trainable=False),
            "moving_variance": WeightSpec(shape=shape, initializer="ones", trainable=False),
        }

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a class of its own, or nn.BatchNorm for the unbiased variance.

        Where samples differ in length, it is given their real steps as one long batch.
        """
        tensor = inputs[0]
        if tensor.varies:
            code = self.torch([TensorType(tensor.shape[1:])], layout)
            helpers = {**code.helpers, "over_real_steps": _OVER_REAL_STEPS}
            expression = "over_real_steps({self}, {0}, {mask})"
            return Code(expression, code.init, "channels_last", code.binds, helpers)
        binds = {
            **self.affine_binds(),
            "moving_mean": Bind("running_mean"),
            "moving_variance": Bind("running_var"),
        }
        common = {"momentum": unless(self.momentum, 0.1), "eps": unless(self.epsilon, 1e-5)}
        if self.running_variance == "biased":
            init = call(
                "BatchNorm",
                tensor.shape[-1],
                **common,
                scale=unless(self.scale, True),
                shift=unless(self.center, True),
            )
            helpers = {"BatchNorm": _BATCH_NORM}
            return Code("{self}({0})", init, "channels_first", binds, helpers)
        name = f"nn.BatchNorm{max(tensor.rank - 1, 1)}d"
        module = call(name, tensor.shape[-1], **common, affine=unless(self.is_affine, True))
        shape = (tensor.shape[-1], *(1,) * (tensor.rank - 1))
        return self.with_affine(module, shape, "channels_first", binds)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.BatchNormalization, or a subclass of it for the unbiased variance.

        Keras' momentum is the weight of what was before the newest batch.
        """
        name, helpers = "layers.BatchNormalization", {}
        if self.running_variance == "unbiased":
            name = "UnbiasedBatchNormalization"
            helpers[name] = _UNBIASED
        if inputs[0].varies:
            plain = name.removeprefix("layers.")
            helpers |= masked_layer(plain, name)
            name = f"Masked{plain}"
        momentum = float(1 - Decimal(repr(self.momentum)))
        init = call(
            name,
            momentum=momentum,
            **self.keras_options(),
        )
        binds = {weight: Bind(weight) for weight in self.weights(inputs)}
        mask = ", mask={mask}" if inputs[0].varies else ""
        return Code("{self}({0}" + mask + ")", init, binds=binds, helpers=helpers)

    def summary(self) -> str:
        """Return "momentum 0.1"."""
        return f"momentum {self.momentum:g}"
