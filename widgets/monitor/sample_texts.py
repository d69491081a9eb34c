"""What the samples of an evaluation say, fetched when they are to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from workbench.plugin_api.data import SplitName
    from workbench.runs.results import Results
    from workbench.session import Session
    from workbench.session.data import Thumbnail


class SampleText(NamedTuple):
    """What is known of a sample.

    Attributes:
        text: empty where it has none.
        name: what it is called.
        sample_id: by which it can be corrected; empty: it cannot.
        label: its target in words, as the run had it.
    """

    text: str = ""
    name: str = ""
    sample_id: str = ""
    label: str = ""


class SampleTexts:
    """Texts by row of the results that are shown; answers for others come too late and are left.

    Args:
        changed: called when texts have come.
    """

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session, self._changed = session, changed
        self._results: Results | None = None
        self._known: dict[int, SampleText] = {}

    def begin(self, results: Results | None) -> None:
        """Forget all, and go on with other results."""
        self._results, self._known = results, {}

    def __getitem__(self, row: int) -> SampleText:
        return self._known.get(row, SampleText())

    def fetch(self, split: SplitName | None, rows: Iterable[int]) -> None:
        """Ask for what is not known yet of these rows."""
        experiment, results = self._session.run.experiment, self._results
        if experiment is None or results is None:
            return
        by_index = {int(results.indices[row]): row for row in rows if row not in self._known}
        if by_index:
            self._session.data.thumbnails(
                split,
                list(by_index),
                lambda found: self._take(results, by_index, found),
                data=experiment.data,
            )

    def _take(self, results: Results, rows: Mapping[int, int], found: Sequence[Thumbnail]) -> None:
        if results is not self._results:
            return  # another evaluation has come
        for each in found:
            known = SampleText(each.text, each.name, each.sample_id, each.label)
            self._known[rows[each.index]] = known
        self._changed()
