"""A language model writes, and says what else it thought of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.theme import Theme
    from widgets.trial.writing import WritingPanel
    from workbench.session import Session


class WriteView(View):
    """A beginning, how freely it goes on, and the text as it comes."""

    id = "write"
    title = "Write"
    order = 35
    tasks = ("language_modelling",)

    def make_widget(self, session: Session, theme: Theme) -> WritingPanel:
        """Return the panel."""
        from widgets.trial.writing import WritingPanel

        return WritingPanel(session, theme)
