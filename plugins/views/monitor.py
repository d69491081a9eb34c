"""Curves and feature maps while a network trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.monitor.monitor_panel import MonitorPanel
    from widgets.theme import Theme
    from workbench.session import Session


class Monitor(View):
    """Loss, metrics and feature maps of the shown run."""

    id = "monitor"
    title = "Monitor"
    order = 10

    def make_widget(self, session: Session, theme: Theme) -> MonitorPanel:
        """Return the panel."""
        from widgets.monitor.monitor_panel import MonitorPanel

        return MonitorPanel(session, theme)
