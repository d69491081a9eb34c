"""A model in two: its frozen body has run already, and training goes on over the head alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin_api.backend import Model, ModelState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.network import Network


class PartedModel(Model):
    """Trains and evaluates the head on batches of features; answers and is watched as a whole.

    Weights, their names and the state are those of the whole network, so that a checkpoint knows
    nothing of this.

    Args:
        whole: the network, with the weights and the state that training goes on from.
        head: what follows the frozen body; takes over from `whole`.
        trained: nodes of the head.
    """

    def __init__(self, whole: Model, head: Model, state: ModelState, trained: Collection[str]):
        self.device = whole.device
        self._whole = whole
        self._head = head
        self._trained = frozenset(trained)
        self._weights = whole.weights()
        self._is_behind = False
        self._buffers = {k: v for k, v in state.arrays.items() if k.startswith("buffer/")}
        self._head.load_weights(self._of_head(self._weights))
        self._head.load_state(state)

    def train_step(self, batches: Sequence[Batch], learning_rate: float) -> None:
        """Do one step of the head; see Model. The batches hold features."""
        self._is_behind = True
        self._head.train_step(batches, learning_rate)

    def set_trainable(self, network: Network) -> None:
        """Refuse: a network whose frozen layers begin to be trained is not parted.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the features of this network were kept for good")

    def drain_logs(self, *, wait: bool = True) -> dict[str, list[float]]:
        """Return the logs of the head."""
        return self._head.drain_logs(wait=wait)

    def evaluate_step(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return outputs and loss for a batch of features."""
        return self._head.evaluate_step(batch)

    def predict(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return raw outputs for prepared samples."""
        return self._caught_up().predict(inputs, lengths)

    def probe(
        self,
        inputs: NDArray[Any],
        nodes: Sequence[str],
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs of any nodes, the body's included, for prepared samples."""
        return self._caught_up().probe(inputs, nodes, lengths)

    def gradients(
        self,
        inputs: NDArray[Any],
        values: Mapping[str, NDArray[np.float32]],
        factors: NDArray[np.float32],
        lengths: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Return outputs and gradients of the whole for prepared samples; see Model."""
        return self._caught_up().gradients(inputs, values, factors, lengths)

    def weights(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return the weights of some nodes, or of all; the body's are shared, not copied."""
        wanted = self._trained if nodes is None else self._trained.intersection(nodes)
        found = self._head.weights(wanted)
        return {
            name: found.get(name, value)
            for name, value in self._weights.items()
            if nodes is None or name.partition("/")[0] in nodes
        }

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights; those of the body have to be what its features were made with."""
        self._whole.load_weights(weights)
        self._weights = self._whole.weights()
        self._head.load_weights(self._of_head(self._weights))
        self._is_behind = False

    def state(self) -> ModelState:
        """Return what decides the head's next step, and what belongs to the body."""
        state = self._head.state()
        return ModelState({**self._buffers, **state.arrays}, state.values)

    def load_state(self, state: ModelState) -> None:
        """Go on from a state."""
        self._head.load_state(state)

    def warnings(self) -> list[str]:
        """Return, once, what is to be known of how the head or the whole runs."""
        return list(dict.fromkeys([*self._whole.warnings(), *self._head.warnings()]))

    def first_non_finite(self, batch: Batch) -> str:
        """Return the first node of the head that is not finite for a batch of features."""
        return self._head.first_non_finite(batch)

    def _of_head(self, weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {k: v for k, v in weights.items() if k.partition("/")[0] in self._trained}

    def _caught_up(self) -> Model:
        """Return the whole with the head's present weights."""
        if self._is_behind:
            self._whole.load_weights(self.weights())
            self._is_behind = False
        return self._whole
