"""What layers that keep a network made elsewhere have in common: its input, its parts, its end."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from workbench.plugin_api.code import Layout
from workbench.plugin_api.layer import Layer, Part, is_in
from workbench.plugin_api.tensors import IMAGE_AXES, SEQUENCE_AXES, ShapeError, TensorType

HIDDEN = {"hidden": True}
ASSETS = """\
ASSETS = Path(__file__).parent / "assets"
"""


class KeptNetwork(Layer, frozen=True, kw_only=True):
    """A network that is run as it was made; its parts can be listed, watched and made its end."""

    category = "Pretrained"
    takes = "anything"
    is_imported = True

    # What it is made of comes with the import; `end` is set in the tree of modules.
    input: Annotated[tuple[int | None, ...], msgspec.Meta(extra=HIDDEN)] = ()
    end: Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$", extra=HIDDEN)] = ""
    parts: Annotated[tuple[Part, ...], msgspec.Meta(extra=HIDDEN)] = ()
    sizes: Annotated[tuple[int, ...], msgspec.Meta(extra=HIDDEN)] = ()
    """Of pictures: by which steps height and width may differ, and the least of each."""
    vocabulary: Annotated[int, msgspec.Meta(extra=HIDDEN)] = 0
    padding: Annotated[int, msgspec.Meta(extra=HIDDEN)] = 0
    most_steps: Annotated[int, msgspec.Meta(extra=HIDDEN)] = 0

    @property
    def called(self) -> str:
        """What a person knows the network by."""
        return self.title

    @property
    def takes_tokens(self) -> bool:
        """Whether its samples are whole numbers that stand for words."""
        return False

    def inner(self) -> tuple[Part, ...]:
        """Return the parts up to the end."""
        return self.parts[: self.working]

    def inner_of(self, inputs: Sequence[TensorType]) -> tuple[Part, ...]:
        """Return the parts up to the end with their shapes for pictures of this size."""
        return tuple(self._sized(part, inputs) for part in self.inner())

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return what the network, or the part at its end, gives.

        Raises:
            ShapeError: it takes something else, or there is no such part.
        """
        if not self.parts:
            raise ShapeError("This block holds no network.", "Import one with File → Import model.")
        (tensor,) = inputs
        self._need_input(tensor)
        part = self.end_of(inputs)
        if part.shape is None:
            raise ShapeError(
                f"“{part.path}” does not give one tensor, so nothing can follow it.",
                "Choose another inner module as the end.",
            )
        steps = tensor.shape[0]
        return _type(tuple(steps if size is None else size for size in part.shape))

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return what was counted when the network was imported; varying steps count as one."""
        return sum(part.multiply_adds for part in self.inner_of(inputs))

    @property
    def last_part(self) -> Part:
        """The part at the end; the network itself is the first one, with an empty path."""
        for part in self.parts:
            if part.path == self.end:
                return part
        raise ShapeError(
            f"{self.called} has no inner module “{self.end}”.",
            "Choose one of those that are listed.",
        )

    def end_of(self, inputs: Sequence[TensorType]) -> Part:
        """Return the part at the end with the shape that it has for these inputs."""
        return self._sized(self.last_part, inputs)

    @property
    def working(self) -> int:
        """How many of the parts work: the last one and all in it are the last of them."""
        places = [i for i, part in enumerate(self.parts) if is_in(part.path, self.end)]
        return places[-1] + 1 if places else len(self.parts)

    def real(self, inputs: Sequence[TensorType]) -> str:
        """Return an expression of which tokens are no padding."""
        return "{mask}" if inputs[0].varies else f"({{0}} != {self.padding})"

    def _sized(self, part: Part, inputs: Sequence[TensorType]) -> Part:
        """Return a part with the shape and the cost that it has for a picture of this size."""
        given = inputs[0].shape if inputs else self.input
        if not self.sizes or given == self.input or part.shape is None or len(given) != 3:
            return part
        shape = None
        if len(part.grows) == len(part.shape):
            pairs = zip(part.shape, part.grows, strict=True)
            shape = tuple(size if rule is None else _grown(rule, given) for size, rule in pairs)
        area, before = ((shape[0] or 1) * (shape[1] or 1) for shape in (given, self.input))
        cost = part.multiply_adds * area // before
        return msgspec.structs.replace(part, shape=shape, multiply_adds=cost)

    def _need_size(self, tensor: TensorType) -> None:
        """Raise a ShapeError unless a picture's height and width are such as the network takes."""
        step, *least = self.sizes
        names = ("height", "width")
        for name, size, own, few in zip(names, tensor.shape, self.input, least, strict=False):
            if (size or 0) < few or ((size or 0) - (own or 0)) % step:
                steps = "" if step == 1 else f" and differ from {own} by multiples of {step}"
                raise ShapeError(
                    f"{self.called} takes pictures whose {name} is {few} at least{steps}, but got "
                    f"{tensor}.",
                    f"Set that {name} in the data settings.",
                )

    def _need_input(self, tensor: TensorType) -> None:
        kinds = {1: "vectors", 2: "series", 3: "pictures", 4: "volumes"}
        wanted = "tokens of texts" if self.takes_tokens else kinds.get(len(self.input), "samples")
        is_tokens = tensor.dtype.startswith(("int", "uint"))
        if is_tokens != self.takes_tokens or tensor.rank != len(self.input):
            raise ShapeError(
                f"{self.called} takes {wanted}, but got {tensor.in_words()} ({tensor}).",
                "Choose other data, or connect it to the Input.",
            )
        pairs = zip(self.input, tensor.shape, strict=True)
        if self.sizes and tensor.shape[-1] == self.input[-1] and None not in tensor.shape:
            self._need_size(tensor)
        elif any(size not in (None, given) for size, given in pairs):
            sizes = " × ".join("any" if size is None else str(size) for size in self.input)
            sides = "height, width and number of channels" if tensor.rank == 3 else "size"
            raise ShapeError(
                f"{self.called} takes {wanted} of {sizes}, but got {tensor}.",
                f"Set that {sides} in the data settings.",
            )
        steps = tensor.shape[0] or 0
        if self.most_steps and self.takes_tokens and steps > self.most_steps:
            raise ShapeError(
                f"{self.called} knows {self.most_steps} positions, but texts have {steps} tokens.",
                f"Set a fixed length of {self.most_steps} at most in the data settings.",
            )


def _grown(rule: tuple[int, int, int, int, int], given: tuple[int | None, ...]) -> int:
    axis, times, add, over, plus = rule
    return times * (((given[axis] or 0) + add) // over) + plus


def moved(part: Part, within: Layout) -> str:
    """Return what brings the channels of an output of PyTorch to where they are wanted."""
    is_first = within == "channels_first"
    if part.shape is None or len(part.shape) < 2 or part.channels_first == is_first:
        return ""
    return ".movedim(1, -1)" if part.channels_first else ".movedim(-1, 1)"


def _type(shape: tuple[int | None, ...]) -> TensorType:
    axes = {2: SEQUENCE_AXES, 3: IMAGE_AXES}.get(len(shape), ())
    return TensorType(shape, axes)
