"""Finds plug-ins, sets broken ones aside with their error, and keeps typed tables by id."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from workbench.errors import UserError, in_words
from workbench.plugin_api.backend import Backend
from workbench.plugin_api.exporter import Exporter
from workbench.plugin_api.importer import Importer
from workbench.plugin_api.launcher import Launcher
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.preprocessing import Augmentation, Preprocessing
from workbench.plugin_api.source import Source
from workbench.plugin_api.task import Task
from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from workbench.document.experiment import Component
    from workbench.document.graph import Node

GROUP = "workbench.plugins"
MOST_NAMED = 20
"""A message names all plug-ins of a kind up to so many, else those that sound alike."""

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Table(Generic[T]):
    """Plug-ins of one kind by id, in the order in which they were found."""

    def __init__(self, kind: str, contract: type[T]) -> None:
        self.kind = kind
        self.contract = contract
        self._items: dict[str, type[T]] = {}

    def add(self, item: type[T]) -> None:
        """Register a class under its id; the id must be new."""
        item_id = item.id  # type: ignore[attr-defined]
        if self._items.setdefault(item_id, item) is not item:
            raise ValueError(f"two plug-ins call themselves {item_id!r}")

    def __getitem__(self, item_id: str) -> type[T]:
        try:
            return self._items[item_id]
        except KeyError:
            raise UserError(
                f"There is no {self.kind} called “{item_id}” here.", self._others(item_id)
            ) from None

    def _others(self, item_id: str) -> str:
        """Say what there is instead: all of it, or what sounds alike."""
        if len(self._items) <= MOST_NAMED:
            return f"Known are: {', '.join(sorted(self._items))}. A plug-in may be missing."
        import difflib  # only for an answer that is seldom given

        alike = difflib.get_close_matches(item_id, self._items)
        meant = f"Perhaps {' or '.join(alike)} is meant, or a" if alike else "A"
        return f"{meant} plug-in may be missing."

    def get(self, item_id: str) -> type[T] | None:
        """Return the plug-in with this id, or None."""
        return self._items.get(item_id)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True)
class Broken:
    """A plug-in module that could not be loaded."""

    module: str
    message: str
    traceback: str = ""


@dataclass
class Catalog:
    """Every plug-in of this installation."""

    layers: Table[Layer] = field(default_factory=lambda: Table("layer", Layer))
    sources: Table[Source] = field(default_factory=lambda: Table("data source", Source))
    preprocessings: Table[Preprocessing] = field(
        default_factory=lambda: Table("preprocessing", Preprocessing)
    )
    augmentations: Table[Augmentation] = field(
        default_factory=lambda: Table("augmentation", Augmentation)
    )
    tasks: Table[Task] = field(default_factory=lambda: Table("task", Task))
    backends: Table[Backend] = field(
        default_factory=lambda: Table("backend", Backend)  # type: ignore[type-abstract]
    )
    exporters: Table[Exporter] = field(
        default_factory=lambda: Table("export format", Exporter)  # type: ignore[type-abstract]
    )
    importers: Table[Importer] = field(
        default_factory=lambda: Table("importer", Importer)  # type: ignore[type-abstract]
    )
    launchers: Table[Launcher] = field(
        default_factory=lambda: Table("launcher", Launcher)  # type: ignore[type-abstract]
    )
    views: Table[View] = field(
        default_factory=lambda: Table("view", View)  # type: ignore[type-abstract]
    )
    broken: list[Broken] = field(default_factory=list)

    @classmethod
    def load(cls, *, for_window: bool = False) -> Catalog:
        """Import every plug-in named by the entry-point group.

        Args:
            for_window: with views, and without importers: a window lets a process of its own import
                networks, and opens sooner.
        """
        catalog = cls()
        for entry in entry_points(group=GROUP):
            catalog.add_module(entry.value, for_window=for_window)
        return catalog

    def add_module(self, name: str, *, for_window: bool = False) -> None:
        """Register what a module defines, and the public modules below it if it is a package.

        A package names the modules that hold plug-ins as PLUG_INS where most of them hold none.
        """
        try:
            module = importlib.import_module(name)
            self._register(module)
        except (Exception, SystemExit) as error:  # a script that calls exit() is no plug-in
            message = f"{type(error).__name__}: {error}"
            self.broken.append(Broken(name, message, traceback.format_exc()))
            return
        for child in pkgutil.iter_modules(getattr(module, "__path__", ())):
            is_elsewhere = child.name == ("importers" if for_window else "views")
            is_named = child.name in getattr(module, "PLUG_INS", (child.name,))
            if is_named and not is_elsewhere and not child.name.startswith("_"):
                self.add_module(f"{name}.{child.name}", for_window=for_window)

    def layer(self, node: Node) -> Layer:
        """Return the layer with a node's settings; raises UserError for bad ones."""
        return configured(self.layers[node.type], node.params, node.id)

    def source(self, component: Component) -> Source:
        """Return the data source with its settings; raises UserError for bad ones."""
        return configured(self.sources[component.type], component.params)

    def preprocessing(self, component: Component) -> Preprocessing:
        """Return the preprocessing with its settings; raises UserError for bad ones."""
        return configured(self.preprocessings[component.type], component.params)

    def preparation_of(self, source: type[Source]) -> type[Preprocessing] | None:
        """Return the preparation that goes with a source: its own choice, or one of its kind."""
        own = self.preprocessings.get(source.preparation)
        return own or next((each for each in self.preprocessings if each.kind == source.kind), None)

    def augmentation(self, component: Component | None) -> Augmentation | None:
        """Return the augmentation with its settings; raises UserError for bad ones."""
        if component is None:
            return None
        return configured(self.augmentations[component.type], component.params)

    def task(self, component: Component) -> Task:
        """Return the task with its settings; raises UserError for bad ones."""
        return configured(self.tasks[component.type], component.params)

    def backend(self, backend_id: str) -> Backend:
        """Return a backend."""
        return self.backends[backend_id]()

    def _tables(self) -> tuple[Table[Any], ...]:
        return tuple(value for value in vars(self).values() if isinstance(value, Table))

    def _register(self, module: ModuleType) -> None:
        classes = filter(inspect.isclass, vars(module).values())  # in the order of the file
        for item in classes:
            if item.__module__ != module.__name__ or not getattr(item, "id", ""):
                continue
            for table in self._tables():
                if issubclass(item, table.contract):
                    table.add(item)


def configured(kind: type[S], params: dict[str, Any], owner: str = "") -> S:
    """Return an instance of a plug-in's struct with checked settings.

    Raises:
        UserError: a setting is unknown, of the wrong type or outside its bounds.
    """
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError as error:
        title = getattr(kind, "title", "") or kind.__name__
        named = f"{title} “{owner}”" if owner else title
        known = ", ".join(kind.__struct_fields__)
        raise UserError(
            f"{named} has a setting that cannot be used: {in_words(error)}.",
            f"Change it; the settings here are {known}." if known else "Remove it.",
        ) from error
