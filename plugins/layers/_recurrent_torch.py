"""PyTorch source of recurrent layers; their kernels are those of nn.RNN, nn.LSTM and nn.GRU."""

_REVERSED = '''\
def reversed_steps(x, lengths=None):
    """Reverse the steps of each sample, as many as it has."""
    if lengths is None:
        return x.flip(1)
    steps, ends = torch.arange(x.shape[1], device=x.device), lengths[:, None]
    order = torch.where(steps < ends, ends - 1 - steps, steps)
    return x.gather(1, order[..., None].expand_as(x))
'''

_CLASS = '''\
class {name}(nn.Module):
    """{module} over batch × time × features; going backward, it begins at each sample's end.

    {bias_words}
    """

    def __init__(self, features, units, direction="forward", bias=True):
        super().__init__()
        self.units, self.direction = units, direction
        wide = {gates}units
        ends = {{"forward": [""], "backward": ["_reverse"], "both": ["", "_reverse"]}}
        for end in ends[direction]:
            sizes = {{"weight_ih": (wide, features), "weight_hh": (wide, units)}}
            if bias:
                sizes["bias"] = {bias_shape}
            for kind, size in sizes.items():
                value = torch.empty(size).uniform_(-(units**-0.5), units**-0.5)
                self.register_parameter(kind + end, nn.Parameter(value))

    def forward(self, x, lengths=None):
        if self.direction == "forward":
            return self.run(x, self.weights(""))
        if self.direction == "both" and lengths is None:
            return self.run(x, self.weights("") + self.weights("_reverse"), both=True)
        y = self.run(reversed_steps(x, lengths), self.weights("_reverse"))
        y = reversed_steps(y, lengths)
        if self.direction == "backward":
            return y
        return torch.cat((self.run(x, self.weights("")), y), -1)

    def weights(self, end):
        kernels = [getattr(self, "weight_ih" + end), getattr(self, "weight_hh" + end)]
        bias = getattr(self, "bias" + end, None)
        return kernels if bias is None else [*kernels, {biases}]

    def run(self, x, weights, both=False):
        start = x.new_zeros(1 + both, x.shape[0], self.units)
        has_bias = len(weights) == 4 * (1 + both)
        options = has_bias, 1, 0.0, self.training, both, True
        return torch.{function}(x, {state}, weights, *options)[0]
'''

_LAST = '''\
def last_steps(x, direction, lengths=None):
    """Return where each sample ends: at its last step, or going backward at its first."""
    if direction == "backward":
        return x[:, 0]
    rows = torch.arange(x.shape[0], device=x.device)
    end = x[:, -1] if lengths is None else x[rows, lengths - 1]
    if direction == "forward":
        return end
    return torch.cat((end.chunk(2, -1)[0], x[:, 0].chunk(2, -1)[1]), -1)
'''

_STACKED = '''\
def stacked(modules, x, lengths=None, dropout=0.0):
    """Run recurrent layers one upon another, with dropout between them."""
    for index, module in enumerate(modules):
        if index:
            x = F.dropout(x, dropout, module.training)
        x = module(x, lengths)
    return x
'''

LAST = {"last_steps": _LAST}
STACKED = {"stacked": _STACKED}
MERGED = {"concat": "", "sum": ".sum(-2)", "multiply": ".prod(-2)", "average": ".mean(-2)"}
"""What joins two directions, once they have an axis of their own before the last."""


def kernel_class(name: str, function: str, gates: int, *, has_cell: bool = False) -> dict[str, str]:
    """Return the helpers of one kind of layer: {"LSTM": source, …}.

    Args:
        function: PyTorch's, "lstm".
        gates: how many kernels lie side by side.
        has_cell: whether the state is a pair.
    """
    is_gru = name == "GRU"
    times = f"{gates} * " if gates > 1 else ""
    source = _CLASS.format(
        name=name,
        module="nn.RNN" if name.endswith("RNN") else f"nn.{name}",
        function=function,
        gates=times,
        bias_words=(
            "Its two biases are the rows of one parameter."
            if is_gru
            else "It has one bias, as two that are always added up would learn twice as fast."
        ),
        bias_shape="(2, wide)" if is_gru else "(wide,)",
        biases="*bias" if is_gru else "bias, torch.zeros_like(bias)",
        state="(start, start)" if has_cell else "start",
    )
    return {"reversed_steps": _REVERSED, name: source}
