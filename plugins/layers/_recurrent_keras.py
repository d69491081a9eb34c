"""Keras source of recurrent layers that stock ones do not cover: masked, stacked, backward."""

from plugins.layers._steps import masked_layer

_STACKED = '''\
@keras.saving.register_keras_serializable("workbench")
class Stacked{kind}(layers.Layer):
    """{kind} layers one upon another, with dropout between; steps stay in the input's order."""

    def __init__(
        self,
        units,
        count=1,
        direction="forward",
        merge_mode="concat",
        dropout=0.0,
        return_sequences=False,
        settings=None,
        **options,
    ):
        super().__init__(**options)
        self.supports_masking = True
        self.config = dict(
            units=units,
            count=count,
            direction=direction,
            merge_mode=merge_mode,
            dropout=dropout,
            return_sequences=return_sequences,
            settings=settings,
        )
        self.drop = layers.Dropout(dropout)
        for index in range(count):
            is_last = index == count - 1
            layer = Masked{kind}(
                units,
                return_sequences=return_sequences or not is_last,
                go_backwards=direction == "backward",
                **(settings or {{}}),
            )
            if direction == "both":
                mode = merge_mode if is_last else "concat"
                layer = MaskedBidirectional(layer, merge_mode=mode)
            setattr(self, f"layer{{index + 1}}", layer)
        self.stack = [getattr(self, f"layer{{index + 1}}") for index in range(count)]

    def build(self, input_shape):
        for layer in self.stack:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, x, mask=None, training=None):
        for index, layer in enumerate(self.stack):
            x = self.drop(x, training=training) if index else x
            x = layer(x, mask=mask, training=training)
            if self.config["direction"] == "backward" and len(x.shape) == 3:
                x = ops.flip(x, axis=1)
        return x

    def compute_mask(self, *inputs):
        return None

    def compute_output_shape(self, input_shape):
        for layer in self.stack:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
        return {{**super().get_config(), **self.config}}
'''


def masked_classes(kind: str) -> dict[str, str]:
    """Return helpers that take a mask: {"MaskedLSTM": source, "MaskedBidirectional": source}."""
    return {**masked_layer(kind), **masked_layer("Bidirectional")}


def stacked_class(kind: str) -> dict[str, str]:
    """Return the helper of one kind of layer: {"StackedLSTM": source}, and those that it uses."""
    return {**masked_classes(kind), f"Stacked{kind}": _STACKED.format(kind=kind)}
