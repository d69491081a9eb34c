"""What is known of the data, asked of a helper process that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.document.experiment import Data
    from workbench.errors import UserError
    from workbench.plugin_api.data import DataInfo, SplitName


class Thumbnail:  # the helper who writes this file makes it a frozen dataclass
    """A small picture of one sample.

    Attributes:
        index: in its split; name: what a person knows it by; target: class number;
        pixels: height × width × 3, uint8.
    """

    index: int
    name: str
    target: int
    pixels: NDArray[np.uint8]


class DataSession:
    """Describes the experiment's data and fetches small pictures of samples, never blocking.

    Signals:
        info_changed(): read `info`, `error` and `is_busy`.
    """

    info_changed = Signal()

    info: DataInfo | None
    error: UserError | None
    is_busy: bool

    def __init__(self, catalog: Catalog) -> None: ...

    def look_at(self, data: Data) -> None:
        """Describe these data, unless they are the ones already described."""

    def reload(self) -> None:
        """Look again at the same data: files may have changed."""

    def thumbnails(
        self,
        split: SplitName,
        indices: Sequence[int] | None,
        done: Callable[[list[Thumbnail]], Any],
        *,
        data: Data | None = None,
        size: int = 64,
        count: int = 48,
        augmented: bool = False,
    ) -> None:
        """Fetch small pictures; `done` is called from a later `tick`.

        Args:
            indices: samples; None takes `count` of them spread evenly over the classes.
            data: of a run, when they are not the ones described now.
            augmented: show what training sees.
        """

    def tick(self) -> None:
        """Hand over what the helper process has answered."""

    def close(self) -> None:
        """End the helper process."""
