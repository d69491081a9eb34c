"""`--set path=value`: one setting of an experiment replaced by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from workbench.cli.parser import WrongUsage
from workbench.document.experiment import Experiment
from workbench.document.graph import Node
from workbench.errors import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence


def apply(experiment: Experiment, assignments: Sequence[str]) -> Experiment:
    """Return the experiment with settings such as `training.optimizer.learning_rate=0.01`.

    The value is JSON, or else the text as it stands. Settings of a source, a preprocessing or a
    task follow its path at once (`data.source.path=photos`), those of a layer its name
    (`graph.conv1.filters=32`).

    Raises:
        WrongUsage: there is no such setting, or the value does not fit.
    """
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise WrongUsage(
                f"“{assignment}” sets nothing.", "Write it as in --set training.batch_size=64."
            )
        experiment = _with(experiment, path.strip(), text.strip())
    return experiment


def _with(experiment: Experiment, path: str, text: str) -> Experiment:
    reason = ""
    for value in _readings(text):
        document = msgspec.to_builtins(experiment)
        _put(document, path, value)
        try:
            return msgspec.convert(document, Experiment)
        except (msgspec.ValidationError, OverflowError) as error:
            reason = reason or in_words(error).rpartition(": ")[2]
    raise WrongUsage(f"{path} cannot be {text}: {reason}.", _next_step(experiment, path))


def _next_step(experiment: Experiment, path: str) -> str:
    """Name the settings beside the one that was meant."""
    if path.startswith("graph."):
        return "Nothing was started; `workbench code` shows how each layer is set."
    target: Any = msgspec.to_builtins(experiment)
    place = ""
    for key in path.split(".")[:-1]:
        if not isinstance(target, dict) or not isinstance(target.get(key), dict):
            break
        target, place = target[key], f"{place}{key}."
    return f"Nothing was started. Settings there are {', '.join(place + key for key in target)}."


def _readings(text: str) -> list[Any]:
    try:
        value = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return [text]
    return [value] if isinstance(value, str) else [value, text]


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    """Put a value into an experiment's plain form; what does not fit there shows afterwards."""
    keys = path.split(".")
    target = document
    if keys[0] == "graph":
        target, keys = _node(document, path), keys[2:]
    for key in keys[:-1]:
        target = _inside(target, key)
        if target.get(key) is None:
            target[key] = {}
        target = target[key]
        if not isinstance(target, dict):
            raise WrongUsage(f"There is no setting {path}: {key} has no parts.")
    target, key = _inside(target, keys[-1]), keys[-1]
    present = target.get(key)
    is_kind = key == "augmentation" or (isinstance(present, dict) and "type" in present)
    # The name of another optimizer, schedule, source … stands for it with its own defaults.
    target[key] = {"type": value} if is_kind and isinstance(value, str) else value


def _inside(target: dict[str, Any], key: str) -> dict[str, Any]:
    """Step into the settings of a component, which paths leave out."""
    if set(target) == {"type", "params"} and key not in target:
        params: dict[str, Any] = target["params"]
        return params
    return target


def _node(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the part of a layer that holds a setting: itself, or its parameters."""
    _, node_id, *rest = [*path.split("."), "", ""]
    nodes: dict[str, dict[str, Any]] = {node["id"]: node for node in document["graph"]["nodes"]}
    if node_id not in nodes or not rest[0]:
        raise WrongUsage(
            f"There is no layer setting {path}.",
            f"Write graph.LAYER.SETTING; the layers are {', '.join(nodes)}.",
        )
    node = nodes[node_id]
    if rest[0] in Node.__struct_fields__:
        return node
    params: dict[str, Any] = node.setdefault("params", {})
    return params
