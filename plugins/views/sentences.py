"""What was said of each word, or which classes hold, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.monitor.sentences import SentencesPanel
    from widgets.theme import Theme
    from workbench.session import Session


class Sentences(View):
    """Scores and samples of the shown run on the validation and test splits."""

    id = "sentences"
    title = "Answers"
    order = 21
    tasks = ("sequence_labelling", "multi_label")

    def make_widget(self, session: Session, theme: Theme) -> SentencesPanel:
        """Return the panel."""
        from widgets.monitor.sentences import SentencesPanel

        return SentencesPanel(session, theme)
