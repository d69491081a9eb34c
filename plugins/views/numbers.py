"""Predicted numbers of the shown run beside the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.monitor.numbers import NumbersPanel
    from widgets.theme import Theme
    from workbench.session import Session


class Numbers(View):
    """Results of the shown run on the validation and test splits."""

    id = "numbers"
    title = "Answers"
    order = 21
    tasks = ("regression",)

    def make_widget(self, session: Session, theme: Theme) -> NumbersPanel:
        """Return the panel."""
        from widgets.monitor.numbers import NumbersPanel

        return NumbersPanel(session, theme)
