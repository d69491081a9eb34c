"""What every export format makes of a network, known before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.plugin_api.backend import Availability
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import Exporter
    from workbench.plugin_api.network import Network


class FormatState(msgspec.Struct, frozen=True, kw_only=True):
    """One export format, here and for one network.

    Attributes:
        limits: what it cannot express of the network; empty where no network was given.
    """

    format: str
    title: str
    help: str
    suffix: str
    availability: Availability
    limits: tuple[Limit, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """Sentences on why the network cannot be exported at all; empty if it can."""
        return tuple(limit.message for limit in self.limits if limit.refuses)

    @property
    def is_possible(self) -> bool:
        """Whether what it needs is installed and nothing in the network stands in its way."""
        return self.availability.ok and not self.refusals


def limits(network: Network, catalog: Catalog) -> dict[str, tuple[Limit, ...]]:
    """Return for each format what it cannot express of a network. Imports no framework."""
    return {kind.id: _limits(kind(), network) for kind in catalog.exporters}


def formats(catalog: Catalog, network: Network | None = None) -> list[FormatState]:
    """Return every format that concerns a network, by title. Imports no framework.

    Args:
        network: None: every format of the catalog, without limits.
    """
    kinds = sorted(catalog.exporters, key=lambda kind: kind.title.lower())
    found = [kind() for kind in kinds]
    return [format_state(e, network) for e in found if network is None or e.concerns(network)]


def format_state(exporter: Exporter, network: Network | None = None) -> FormatState:
    """Return the state of one format."""
    return FormatState(
        format=exporter.id,
        title=exporter.title,
        help=exporter.help,
        suffix=exporter.suffix,
        availability=exporter.availability(),
        limits=() if network is None else _limits(exporter, network),
    )


def _limits(exporter: Exporter, network: Network) -> tuple[Limit, ...]:
    found = tuple(exporter.limits(network))
    if exporter.takes_lengths or not any(node.output.varies for node in network.inputs):
        return found
    message = (
        f"{exporter.title} cannot hold a network over samples that differ in length; "
        "set a fixed length in the data settings, or choose another format."
    )
    return (Limit(message=message, refuses=True), *found)
