"""Draws layers with random parameters, and shapes to put them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from workbench.plugin_api.tensors import ShapeError

if TYPE_CHECKING:
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.parameters import Field

# Names whose whole range would make tests slow or nearly always illegal.
RANGES = {
    "kernel_size": (1, 4),
    "stride": (1, 3),
    "dilation": (1, 2),
    "pool_size": (1, 4),
    "pads": (0, 3),
    "amounts": (0, 2),
    "groups": (1, 3),
    "axis": (-4, 4),
    "axes": (1, 4),
    "factor": (1, 3),
    "height": (1, 9),
    "width": (1, 9),
    "size": (1, 5),
    "n_fft": (2, 9),
    "hop_length": (1, 4),
    "window_length": (1, 9),
}
PICTURES_ONLY = ("Resize", "AdaptiveAveragePool2D", "AdaptiveMaxPool2D")
SPACE_ONLY = ("GlobalAveragePool", "GlobalMaxPool", "SpatialDropout")


@st.composite
def layers(draw: st.DrawFn, kind: type[Layer]) -> tuple[dict[str, Any], list[tuple[int, ...]]]:
    """Draw settings of a layer class, and the shapes of its inputs; mostly ones it can take."""
    params = draw(parameters(kind))
    is_sensible = draw(st.integers(0, 9)) < 8
    if is_sensible and "dilation" in params and "stride" in params:
        params.pop(draw(st.sampled_from(["dilation", "stride"])))
    if is_sensible and kind.id.startswith("ConvTranspose"):
        size = params.pop("kernel_size", 3)
        if size != 3:
            params["kernel_size"] = (
                max(size, 2) if kind.rank == 1 else tuple(max(n, 2) for n in size)
            )
    if is_sensible and params.get("groups", 1) > 1 and "filters" in kind.__struct_fields__:
        params["filters"] = params["groups"] * draw(st.integers(1, 3))
    if is_sensible and "heads" in kind.__struct_fields__:
        params |= draw(_heads(params))
    if "pads" in params and draw(st.booleans()):  # PyTorch's own padding: alike on both sides
        params["pads"] = even(params["pads"])
    found = draw(shapes(kind, params, is_sensible))
    if is_sensible:
        params |= draw(_fitting(kind, found[0], params))
    return params, found


@st.composite
def _heads(draw: st.DrawFn, params: dict[str, Any]) -> dict[str, Any]:
    """Draw heads whose keys can be shared, and whose features can be turned in pairs."""
    heads = draw(st.integers(1, 4))
    found: dict[str, Any] = {"heads": heads}
    if params.get("key_heads"):
        found["key_heads"] = draw(st.sampled_from([n for n in (1, 2, 3, 4) if heads % n == 0]))
    if params.get("key_size"):
        found["key_size"] = 2 * params["key_size"]
    return found


def _share(params: dict[str, Any]) -> int:
    """Return what the number of an input's channels should be a multiple of."""
    return 2 * params["heads"] if "heads" in params else params.get("groups", 1)


@st.composite
def parameters(draw: st.DrawFn, kind: type[Layer]) -> dict[str, Any]:
    """Draw settings from what the fields allow; one in four keeps its default."""
    chosen = {}
    for field in kind.parameters():
        if draw(st.integers(0, 3)):
            chosen[field.name] = draw(_values(field, RANGES.get(field.name, (0, 5))))
    return chosen


@st.composite
def shapes(
    draw: st.DrawFn, kind: type[Layer], params: dict[str, Any], is_sensible: bool
) -> list[tuple[int, ...]]:
    """Draw the shapes of as many inputs as the layer takes."""
    space = 2 if kind.id in PICTURES_ONLY else getattr(kind, "rank", None)
    least = 2 if is_sensible and kind.id in SPACE_ONLY else 1
    rank = space + 1 if space and is_sensible else draw(st.integers(least, 4))
    smallest, longest = (3 if is_sensible else 1), (9 if rank < 4 else 5)
    shape = tuple(draw(st.integers(smallest, longest)) for _ in range(rank - 1))
    channels = draw(st.integers(1, 6))
    shape += (channels * _share(params) if is_sensible else channels,)
    fewest, most = kind.inputs
    if is_sensible and kind.category == "Attention":
        looks_elsewhere = kind.id == "TransformerDecoder" or not (
            params.get("causal") or params.get("rotary")
        )
        steps = st.integers(1, 9)
        others = most - 1 if looks_elsewhere and draw(st.booleans()) else 0
        return [shape] + [(draw(steps), shape[-1]) for _ in range(others)]
    count = draw(st.integers(fewest, fewest + 2 if most is None else most))
    return [shape] + [draw(_related(shape)) for _ in range(count - 1)]


@st.composite
def _fitting(
    draw: st.DrawFn, kind: type[Layer], shape: tuple[int, ...], params: dict[str, Any]
) -> dict[str, Any]:
    """Draw settings that depend on the input's shape."""
    if kind.id == "Permute":
        return {"axes": tuple(draw(st.permutations(range(1, len(shape) + 1))))}
    if kind.id == "Reshape":
        sizes = draw(st.permutations(shape))
        return {"shape": (-1, *sizes[1:]) if draw(st.booleans()) else tuple(sizes)}
    if kind.id == "MelSpectrogram":
        return draw(_bands(params))
    if "axis" in params:
        return {"axis": draw(st.sampled_from([-1, *range(1, len(shape) + 1)]))}
    return {}


@st.composite
def _bands(draw: st.DrawFn, params: dict[str, Any]) -> dict[str, Any]:
    """Draw bands wide enough to hold frequencies: a band between two of them is always silent."""
    n_fft = max(params.get("n_fft", 9), 4)
    rate = draw(st.integers(8, 20))
    return {
        "n_fft": n_fft,
        "sample_rate": rate,
        "n_mels": draw(st.integers(1, n_fft // 2)),
        "f_min": draw(st.sampled_from([0.0, rate / 20])),
        "f_max": draw(st.sampled_from([None, rate * 0.45])),
    }


@st.composite
def _related(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Draw another branch's shape: the same, or with an axis that is missing, 1 or another."""
    kind = draw(st.sampled_from(["same", "same", "one", "short", "other"]))
    if kind == "short":
        return shape[draw(st.integers(0, len(shape) - 1)) :]
    if kind == "same":
        return shape
    axis = draw(st.integers(0, len(shape) - 1))
    size = 1 if kind == "one" else draw(st.integers(1, 9))
    return (*shape[:axis], size, *shape[axis + 1 :])


def _values(field: Field, limits: tuple[int, int]) -> st.SearchStrategy[Any]:
    low, high = limits
    if field.optional:
        plain = msgspec.structs.replace(field, optional=False)
        return st.none() | _values(plain, limits)
    if field.kind == "bool":
        return st.booleans()
    if field.kind == "choice":
        return st.sampled_from(field.choices)
    if field.kind == "int":
        lowest = low if field.minimum is None else max(low, int(field.minimum))
        return st.integers(lowest, max(high, lowest))
    if field.kind == "float":
        return _floats(field)
    if field.kind == "tuple" and field.any_length:
        return st.lists(_values(field.items[0], limits), min_size=1, max_size=4).map(tuple)
    assert field.kind == "tuple", field
    return st.tuples(*(_values(item, limits) for item in field.items))


def _floats(field: Field) -> st.SearchStrategy[float]:
    low = field.minimum if field.minimum is not None else field.above
    high = field.maximum if field.maximum is not None else field.below
    lowest = max(-4.0, -4.0 if low is None else low)
    highest = min(4.0, 4.0 if high is None else high)
    steps = [lowest + (highest - lowest) * share for share in (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)]
    return st.sampled_from([value for value in steps if value not in (field.above, field.below)])


def even(pads: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return pads with as much after an axis as before it."""
    return tuple(map(even, pads)) if isinstance(pads[0], tuple) else (pads[0], pads[0])


def refusal(layer: Layer, types: list[Any]) -> ShapeError | None:
    """Return why the layer does not take these inputs, or None."""
    try:
        layer.output(types)
    except ShapeError as error:
        return error
    return None
