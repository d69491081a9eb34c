"""Keras on its three frameworks for a test: one long-lived process each."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FRAMEWORKS = ("tensorflow", "jax", "torch")
ROOT = Path(__file__).parents[2]
Array = Any


@dataclass(frozen=True)
class Case:
    """A generated module, and what to run it on.

    Attributes:
        weights: name to (layer, dotted attribute, value in Keras' layout).
        inputs: canonical, one for each Input.
        seeds: gradients of the outputs; empty: forward only.
        training: whether gradients are taken in training mode.
        reload: whether to save the model as .keras and answer what the loaded one gives.
    """

    source: str
    weights: dict[str, tuple[str, str, Array]]
    inputs: list[Array]
    seeds: list[Array] = field(default_factory=list)
    training: bool = True
    reload: bool = False


@dataclass
class Answer:
    """What a model gave; `error` is a traceback, and empty when all went well.

    Attributes:
        outputs: of evaluation, before anything else was run.
        trained: outputs in the mode in which gradients were taken.
        gradients: of sum(output · seed), by weight, and by "input 0" and so on.
        statistics: weights that are not trained, after the pass.
        reloaded: outputs of the model that was saved and loaded.
    """

    outputs: list[Array] = field(default_factory=list)
    trained: list[Array] = field(default_factory=list)
    gradients: dict[str, Array] = field(default_factory=dict)
    statistics: dict[str, Array] = field(default_factory=dict)
    reloaded: list[Array] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Call:
    """A function of a test module, to be called in the peer's process.

    Attributes:
        function: takes `arguments`, which travel by pickle, as does what it returns.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


QUICK_COMPILATION = {
    "XLA_FLAGS": " ".join(
        (
            "--xla_backend_optimization_level=0",
            "--xla_llvm_disable_expensive_passes=true",
            "--xla_cpu_use_fusion_emitters=false",
            "--xla_cpu_parallel_codegen_split_count=1",
        )
    )
}
"""JAX compiles most cases for longer than it computes them; the operations are the same."""


class Peers:
    """Processes that answer cases; one starts when it is first asked.

    Args:
        environment: variables that the processes get besides those of this one.
    """

    def __init__(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self._environment = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def ask(self, case: Case, frameworks: Sequence[str] = FRAMEWORKS) -> dict[str, Answer]:
        """Return the answers by framework; all of them work at once."""
        for framework in frameworks:
            process = self._process(framework)
            pickle.dump(case, process.stdin)
            process.stdin.flush()
        return {framework: self._answer(framework) for framework in frameworks}

    def call(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return function("keras-FRAMEWORK", *arguments) of each framework; all work at once."""
        for framework in FRAMEWORKS:
            self._send(framework, function, arguments)
        answers = {framework: self._answer(framework) for framework in FRAMEWORKS}
        return {framework: returned(framework, answers[framework]) for framework in FRAMEWORKS}

    def call_one(self, framework: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return function("keras-FRAMEWORK", *arguments) of one framework."""
        self._send(framework, function, arguments)
        return returned(framework, self._answer(framework))

    def _send(
        self, framework: str, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        process = self._process(framework)
        pickle.dump(Call(function, (f"keras-{framework}", *arguments)), process.stdin)
        process.stdin.flush()

    def close(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.kill()  # leaving by itself takes a framework seconds
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def _answer(self, framework: str) -> Answer:
        process = self._processes[framework]
        try:
            return pickle.load(process.stdout)
        except EOFError:
            del self._processes[framework]
            process.stdin.close()
            process.stdout.close()
            return Answer(error=f"{framework} ended its process with {process.wait(30)}")

    def _process(self, framework: str) -> subprocess.Popen[bytes]:
        if framework not in self._processes:
            threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
            self._processes[framework] = subprocess.Popen(
                [sys.executable, "-m", "tests.plugins.keras_peer", framework],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, **threads, **self._environment},
            )
        return self._processes[framework]


def returned(framework: str, answer: Any) -> Any:
    """Return what a peer's function returned; raises AssertionError with what went wrong in it."""
    if isinstance(answer, Answer) and answer.error:
        raise AssertionError(f"{framework}: {answer.error}")
    return answer
