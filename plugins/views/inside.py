"""What goes on inside the shown network: attention, and how its vectors lie to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.inside.panel import InsidePanel
    from widgets.theme import Theme
    from workbench.session import Session


class Inside(View):
    """Attention maps and the embedding projector."""

    id = "inside"
    title = "Inside"
    order = 30

    def make_widget(self, session: Session, theme: Theme) -> InsidePanel:
        """Return the panel."""
        from widgets.inside.panel import InsidePanel

        return InsidePanel(session, theme)
