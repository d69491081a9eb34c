"""The network of an ONNX file as one block that is run by onnxruntime and never changes."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from plugins.layers._kept import ASSETS, HIDDEN, KeptNetwork, moved
from plugins.layers._source import call
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.tensors import TensorType

_BLOCK = '''\
class OnnxNetwork(nn.Module):
    """The network of an ONNX file, run by onnxruntime. No gradient passes through it.

    Args:
        file: its name in the folder of assets.
        end: the tensor that it gives.
        batch: samples that it takes at a time; None: any number.
        alone: whether padding would change the answer, so that texts of each length run by
            themselves.
    """

    def __init__(self, file, end, batch=None, alone=False):
        super().__init__()
        self.content, self.end = (ASSETS / file).read_bytes(), end
        self.batch, self.alone = batch, alone
        self.sessions = {}
        self.network = nn.Module()  # what hooks are put on, to watch a tensor inside
        for tensor in onnx.load_from_string(self.content).graph.value_info:
            place = self.network
            for name in tensor.name.split("."):
                if name not in place._modules:
                    place.add_module(name, nn.Identity())
                place = place.get_submodule(name)

    def forward(self, x, real=None):
        parts = self.network.named_modules()
        watched = [name for name, part in parts if part._forward_hooks and name != self.end]
        wanted = (*watched, self.end)
        feed = {"input": x.detach().cpu().numpy()}
        if real is not None:
            feed["real"] = real.cpu().numpy().astype("int64")
        for name, array in zip(wanted, self.run(feed, wanted)):
            given = self.network.get_submodule(name)(torch.from_numpy(array).to(x.device))
        return given

    def run(self, feed, wanted):
        """Return the tensors of these names."""
        if not self.alone or "real" not in feed:
            return self.in_portions(feed, wanted)
        lengths, steps = feed["real"].sum(1), feed["real"].shape[1]
        whole = [None] * len(wanted)
        for length in np.unique(lengths):
            rows = lengths == length
            part = {name: array[rows, :length] for name, array in feed.items()}
            for place, array in enumerate(self.in_portions(part, wanted)):
                if array.ndim > 2 and array.shape[1] == length:
                    array = np.pad(array, [(0, 0), (0, steps - length), (0, 0)])
                if whole[place] is None:
                    whole[place] = np.zeros((len(rows), *array.shape[1:]), "float32")
                whole[place][rows] = array
        return whole

    def in_portions(self, feed, wanted):
        """Return the tensors of these names, as many samples at a time as the file takes."""
        if wanted not in self.sessions:
            self.sessions[wanted] = self.session(wanted)
        session, parts, count = self.sessions[wanted], [], len(feed["input"])
        size = self.batch or max(count, 1)
        for start in range(0, count, size):
            rows = {}
            for name, array in feed.items():
                filled = np.resize(array[start : start + size], (size, *array.shape[1:]))
                rows[name] = np.ascontiguousarray(filled)
            found = session.run(wanted, rows)
            parts.append([array[: count - start] for array in found])
        return [np.concatenate(arrays).astype("float32") for arrays in zip(*parts)]

    def session(self, wanted):
        """Return what computes these tensors, and nothing that they do not need."""
        model = onnx.load_from_string(self.content)
        graph, needed, nodes = model.graph, set(wanted), []
        for node in reversed(graph.node):
            if not needed.isdisjoint(node.output):
                needed.update(self.read_by(node))
                nodes.insert(0, node)
        values = [value for value in graph.value_info if value.name in wanted]
        for field, kept in (("node", nodes), ("output", values), ("value_info", [])):
            del getattr(graph, field)[:]
            getattr(graph, field).extend(kept)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers)

    @classmethod
    def read_by(cls, node):
        """Return the names of the tensors that a node and the graphs in it read."""
        found = set(node.input)
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                found.update(value.name for value in graph.output)
                for inner in graph.node:
                    found |= cls.read_by(inner)
        return found
'''


class OnnxNetwork(KeptNetwork, frozen=True, kw_only=True):
    """Runs any ONNX file as it was made; what follows it is trained."""

    id = "OnnxNetwork"
    title = "ONNX network"
    help = (
        "The network of an ONNX file as it was made, run by onnxruntime on the processor. It never "
        "changes; any tensor inside can be watched, or be what it gives to the layers behind it."
    )
    reference = "https://onnxruntime.ai/docs/api/python/api_summary.html"
    keywords = ("onnx", "onnxruntime", "frozen", "backbone")
    is_fixed = True

    asset: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]*$", extra=HIDDEN)] = ""
    result: Annotated[str, msgspec.Meta(pattern=r"^[\w.]*$", extra=HIDDEN)] = ""
    batch: Annotated[int, msgspec.Meta(ge=0, extra=HIDDEN)] = 0
    alone: Annotated[bool, msgspec.Meta(extra=HIDDEN)] = False
    channels_last: Annotated[bool, msgspec.Meta(extra=HIDDEN)] = False
    numbers: Annotated[int, msgspec.Meta(ge=0, extra=HIDDEN)] = 0

    @property
    def called(self) -> str:
        """The name of its file."""
        return self.asset.rpartition("-")[0] or self.title

    @property
    def takes_tokens(self) -> bool:
        """Whether it takes texts."""
        return bool(self.vocabulary)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return what runs it; the channels lie where the file has them."""
        init = call(
            "OnnxNetwork",
            repr(self.asset),
            repr(self.end or self.result),
            batch=str(self.batch) if self.batch else None,
            alone="True" if self.alone else None,
        )
        within: Layout = "channels_last" if self.channels_last else "channels_first"
        real = f", {self.real(inputs)}" if self.takes_tokens else ""
        return Code(
            "{self}({0}" + real + ")" + moved(self.last_part, within),
            init=init,
            layout=within,
            helpers={"ASSETS": ASSETS, "OnnxNetwork": _BLOCK},
        )

    def summary(self) -> str:
        """Return the file's name, where it ends, and what it runs on."""
        end = f" · to {self.end}" if self.end else ""
        return f"{self.called}{end} · frozen · PyTorch"
