"""Keras source of what its attention layers do not cover: rotary positions, whole blocks."""

_ROTARY = '''\
def rotated(x, base=10000.0):
    """Turn pairs of features by angles that grow with the step: N × time × heads × features."""
    half = x.shape[-1] // 2
    waves = ops.power(ops.cast(base, x.dtype), -ops.arange(half, dtype=x.dtype) / half)
    places = ops.arange(ops.shape(x)[1], dtype=x.dtype)
    angles = ops.reshape(places, (-1, 1, 1)) * waves
    sine, cosine = ops.sin(angles), ops.cos(angles)
    first, second = x[..., :half], x[..., half:]
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return ops.concatenate(turned, axis=-1)


@keras.saving.register_keras_serializable("workbench")
class RotaryAttention(layers.MultiHeadAttention):
    """Attention that knows positions by turning queries and keys."""

    def _compute_attention(self, query, key, *rest, **options):
        return super()._compute_attention(
            rotated(query), rotated(key), *rest, **options
        )


@keras.saving.register_keras_serializable("workbench")
class RotaryGroupedAttention(layers.GroupQueryAttention):
    """Grouped attention that knows positions by turning queries and keys."""

    def _compute_attention(self, query, key, *rest, **options):
        return super()._compute_attention(
            rotated(query), rotated(key), *rest, **options
        )
'''

_BLOCK = '''\
@keras.saving.register_keras_serializable("workbench")
class TransformerBlock(layers.Layer):
    """Attention, attention to a context where there is one, and a feed-forward network.

    Each is added to its input; `pre_norm` normalises before it, else the sum is normalised.
    `attention` and `cross` are Keras layers, `real` and `context_real` masks of real steps.
    """

    def __init__(
        self,
        attention,
        hidden,
        cross=None,
        activation="gelu",
        gated=False,
        causal=False,
        dropout=0.0,
        use_bias=True,
        epsilon=1e-5,
        pre_norm=True,
        **options,
    ):
        super().__init__(**options)
        self.attention, self.cross = attention, cross
        self.own = dict(
            hidden=hidden,
            activation=activation,
            gated=gated,
            causal=causal,
            dropout=dropout,
            use_bias=use_bias,
            epsilon=epsilon,
            pre_norm=pre_norm,
        )
        self.inner = layers.Dense(hidden, use_bias=use_bias)
        self.gate = layers.Dense(hidden, use_bias=use_bias) if gated else None
        self.act = layers.Activation(activation)
        self.norm1 = layers.LayerNormalization(epsilon=epsilon)
        self.norm2 = layers.LayerNormalization(epsilon=epsilon)
        self.norm3 = layers.LayerNormalization(epsilon=epsilon) if cross else None
        self.drop = layers.Dropout(dropout)
        self.supports_masking = True

    def build(
        self, x_shape, context_shape=None, real_shape=None, context_real_shape=None
    ):
        self.outer = layers.Dense(x_shape[-1], use_bias=self.own["use_bias"])
        if not self.attention.built:  # a saved one comes built
            self.attention.build(x_shape, x_shape)
        for layer in (self.inner, self.gate, self.norm1, self.norm2, self.norm3):
            if layer is not None:
                layer.build(x_shape)
        self.outer.build((*x_shape[:-1], self.own["hidden"]))
        if self.cross is not None and not self.cross.built:
            self.cross.build(x_shape, context_shape)

    def call(self, x, context=None, real=None, context_real=None, training=None):
        def attend(y):
            causal = self.own["causal"]
            mask = None if causal else real
            return self.attention(
                y, y, value_mask=mask, use_causal_mask=causal, training=training
            )

        def cross(y):
            return self.cross(y, context, value_mask=context_real, training=training)

        def feed_forward(y):
            inner = self.inner(y)
            if self.gate is None:
                inner = self.act(inner)
            else:
                inner = self.act(self.gate(y)) * inner
            return self.outer(self.drop(inner, training=training))

        x = self.add(x, self.norm1, attend, training)
        if self.cross is not None:
            x = self.add(x, self.norm3, cross, training)
        return self.add(x, self.norm2, feed_forward, training)

    def add(self, x, norm, part, training):
        if self.own["pre_norm"]:
            return x + self.drop(part(norm(x)), training=training)
        return norm(x + self.drop(part(x), training=training))

    def compute_mask(self, *inputs):
        return None

    def compute_output_shape(
        self, x_shape, context_shape=None, real_shape=None, context_real_shape=None
    ):
        return x_shape

    def get_config(self):
        parts = {"attention": self.attention, "cross": self.cross}
        saved = {
            name: layer and keras.saving.serialize_keras_object(layer)
            for name, layer in parts.items()
        }
        return {**super().get_config(), **saved, **self.own}

    @classmethod
    def from_config(cls, config):
        for name in ("attention", "cross"):
            config[name] = config[name] and keras.saving.deserialize_keras_object(
                config[name]
            )
        return cls(**config)
'''

ROTARY = {"RotaryAttention": _ROTARY}
BLOCK = {"TransformerBlock": _BLOCK}
