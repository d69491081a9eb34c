"""How threads wait for each other: a short spin, then sleep."""

from __future__ import annotations

import os

SPINS = "30000"
"""Rounds of GNU OpenMP's busy waiting before a thread sleeps; its default is ten times as many.

On two idle cores it costs nothing measurable; on two busy ones, fewer rounds are faster still, but
sleeping and waking then slows small networks down.
"""


def spin_briefly() -> None:
    """Keep training threads from burning the cores that they wait for.

    With as many threads as cores, a thread that spins at a barrier keeps a sleeping one, or the
    window, off its core: measured on two busy cores, training fell to a twentieth of its speed.
    Read by OpenMP when it is loaded, so this comes before any framework. The user's own setting
    (OMP_WAIT_POLICY, GOMP_SPINCOUNT) is left as it is.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
