"""One sample of a person's own, answered by the shown network, and what the answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.theme import Theme
    from widgets.trial.panel import TrialPanel
    from workbench.session import Session


class Trial(View):
    """A typed text or a file, its classes, and the words, steps or pixels that carried them."""

    id = "trial"
    title = "Try it"
    order = 40
    tasks = ("classification", "multi_label", "sequence_labelling", "regression", "forecasting")

    def make_widget(self, session: Session, theme: Theme) -> TrialPanel:
        """Return the panel."""
        from widgets.trial.panel import TrialPanel

        return TrialPanel(session, theme)
