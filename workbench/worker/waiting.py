"""How threads wait for each other: a short spin, then sleep."""

from __future__ import annotations

import os

SPINS = "100000"
"""Rounds of GNU OpenMP's busy waiting before a thread sleeps; its default is three times as many.

A small network meets a barrier every few microseconds: with 30,000 rounds, waking the sleepers cost
a tenth of its speed while the window drew. More rounds starve whatever else runs on busy cores.
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
