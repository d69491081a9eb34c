"""PyTorch source of attention and of what is built of it."""

_ROTATED = '''\
def rotated(x, base=10000.0):
    """Turn pairs of features by angles that grow with the step: N × heads × time × features."""
    half = x.shape[-1] // 2
    waves = base ** -(torch.arange(half, device=x.device) / half)
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * waves
    sine, cosine = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    first, second = x.chunk(2, -1)
    return torch.cat(
        (first * cosine - second * sine, second * cosine + first * sine), -1
    )
'''

_ATTENTION = '''\
class MultiHeadAttention(nn.Module):
    """Attention of each step to those of `context`, or of the sequence itself.

    `real` tells which steps of the context are real (N, time).
    """

    def __init__(
        self,
        features,
        context,
        heads,
        size,
        groups=None,
        dropout=0.0,
        bias=True,
        causal=False,
        rotary=False,
    ):
        super().__init__()
        self.size, self.dropout, self.causal, self.rotary = (
            size,
            dropout,
            causal,
            rotary,
        )
        self.grouped = groups is not None
        groups = groups or heads
        self.query = nn.Linear(features, heads * size, bias=bias)
        self.key = nn.Linear(context, groups * size, bias=bias)
        self.value = nn.Linear(context, groups * size, bias=bias)
        self.output = nn.Linear(heads * size, features, bias=bias)

    def forward(self, x, context=None, real=None):
        context = x if context is None else context
        query, key, value = self.query(x), self.key(context), self.value(context)
        parts = [
            y.unflatten(-1, (-1, self.size)).transpose(1, 2)
            for y in (query, key, value)
        ]
        if self.rotary:
            parts[:2] = rotated(parts[0]), rotated(parts[1])
        # A causal step sees no padding, as that comes after it.
        allowed = None if real is None or self.causal else real[:, None, None]
        y = F.scaled_dot_product_attention(
            *parts,
            attn_mask=allowed,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.causal,
            enable_gqa=self.grouped,
        )
        return self.output(y.transpose(1, 2).flatten(-2))
'''

_FEED_FORWARD = '''\
class FeedForward(nn.Module):
    """Two dense layers at each step; with `gated`, a third one gates what is between them."""

    def __init__(
        self, features, hidden, activation, dropout=0.0, bias=True, gated=False
    ):
        super().__init__()
        self.activation = activation
        self.inner = nn.Linear(features, hidden, bias=bias)
        self.gate = nn.Linear(features, hidden, bias=bias) if gated else None
        self.outer = nn.Linear(hidden, features, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        if self.gate is None:
            y = self.activation(self.inner(x))
        else:
            y = self.activation(self.gate(x)) * self.inner(x)
        return self.outer(self.dropout(y))
'''

_BLOCK = '''\
class TransformerBlock(nn.Module):
    """Attention, attention to a context where there is one, and a feed-forward network.

    Each is added to its input; `pre_norm` normalises before it, else the sum is normalised.
    """

    def __init__(
        self,
        features,
        attention,
        feed_forward,
        cross=None,
        dropout=0.0,
        eps=1e-5,
        pre_norm=True,
    ):
        super().__init__()
        self.attention, self.cross, self.feed_forward = attention, cross, feed_forward
        self.pre_norm = pre_norm
        self.norm1 = nn.LayerNorm(features, eps=eps)
        self.norm2 = nn.LayerNorm(features, eps=eps)
        self.norm3 = None if cross is None else nn.LayerNorm(features, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, real=None, context=None, context_real=None):
        x = self.add(x, self.norm1, lambda y: self.attention(y, real=real))
        if self.cross is not None:
            x = self.add(x, self.norm3, lambda y: self.cross(y, context, context_real))
        return self.add(x, self.norm2, self.feed_forward)

    def add(self, x, norm, part):
        if self.pre_norm:
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))
'''


ATTENTION = {"rotated": _ROTATED, "MultiHeadAttention": _ATTENTION}
BLOCK = {**ATTENTION, "FeedForward": _FEED_FORWARD, "TransformerBlock": _BLOCK}
