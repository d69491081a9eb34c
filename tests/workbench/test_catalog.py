"""Plug-ins are found without a list; a broken one is set aside and the others go on."""

from __future__ import annotations

import sys

import pytest

from workbench.catalog import Catalog, configured
from workbench.document.experiment import Component
from workbench.document.graph import Node
from workbench.errors import UserError

GOOD = '''
"""One layer in one file."""
from workbench.plugin_api.layer import Layer

class Twice(Layer, frozen=True, kw_only=True):
    """Twice the input."""

    id = "Twice"
    title = "Twice"
    category = "Activation"
    factor: int = 2
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes a package of plug-ins and returns its import name."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name: str, files: dict[str, str]) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for file, text in {"__init__.py": "", **files}.items():
            path = folder / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return name

    yield write
    for module in set(sys.modules) - before:
        if module.startswith("third_party"):
            del sys.modules[module]


def test_every_built_in_plug_in_loads(catalog):
    assert catalog.broken == []
    assert len(catalog.layers) > 40
    for needed in ("digits", "mnist5k", "idx", "image_folder"):
        assert needed in catalog.sources
    assert "image" in catalog.preprocessings
    assert "image" in catalog.augmentations
    assert "classification" in catalog.tasks
    assert "torch" in catalog.backends
    assert {"safetensors", "torch", "python"} <= {item.id for item in catalog.exporters}
    assert "local" in catalog.launchers


def test_views_are_left_out_without_a_window(catalog):
    assert len(catalog.views) == 0
    assert not any(name.startswith("plugins.views.") for name in sys.modules if "Qt" in name)


def test_a_module_in_a_package_is_found(package):
    catalog = Catalog()
    catalog.add_module(package("third_party_good", {"twice.py": GOOD}))
    assert [layer.id for layer in catalog.layers] == ["Twice"]
    assert catalog.broken == []


def test_one_that_raises_on_import_is_set_aside(package):
    name = package(
        "third_party_mixed",
        {
            "a_bad.py": "raise RuntimeError('no licence')",
            "b_missing.py": "import a_module_that_does_not_exist",
            "c_syntax.py": "def broken(:",
            "d_exit.py": "import sys; sys.exit(3)",
            "good.py": GOOD,
        },
    )
    catalog = Catalog()
    catalog.add_module(name)
    assert "Twice" in catalog.layers
    broken = {item.module.split(".")[1]: item for item in catalog.broken}
    assert set(broken) == {"a_bad", "b_missing", "c_syntax", "d_exit"}
    assert broken["a_bad"].message == "RuntimeError: no licence"
    assert "a_bad.py" in broken["a_bad"].traceback
    assert "a_module_that_does_not_exist" in broken["b_missing"].message
    assert broken["c_syntax"].message.startswith("SyntaxError")


def test_two_with_one_id_keep_the_first_and_name_the_second(package):
    catalog = Catalog()
    catalog.add_module(package("third_party_first", {"twice.py": GOOD}))
    first = catalog.layers["Twice"]
    catalog.add_module(package("third_party_second", {"twice.py": GOOD}))
    assert catalog.layers["Twice"] is first
    (broken,) = catalog.broken
    assert broken.module == "third_party_second.twice"
    assert "two plug-ins call themselves 'Twice'" in broken.message


def test_loading_a_module_twice_is_no_clash(package):
    catalog = Catalog()
    name = package("third_party_again", {"twice.py": GOOD})
    catalog.add_module(name)
    catalog.add_module(name)
    assert catalog.broken == []


def test_imported_classes_belong_to_their_own_module(package):
    files = {"twice.py": GOOD, "user.py": "from third_party_reuse.twice import Twice"}
    catalog = Catalog()
    catalog.add_module(package("third_party_reuse", files))
    assert len(catalog.layers) == 1


def test_views_are_loaded_when_asked_for(package):
    view = '''
from workbench.plugin_api.view import View

class Odd(View):
    """A view."""

    id = "odd"
    title = "Odd"

    def make_widget(self, session):
        """Return nothing."""
'''
    name = package("third_party_views", {"views/__init__.py": "", "views/odd.py": view})
    without, with_views = Catalog(), Catalog()
    without.add_module(name)
    with_views.add_module(name, for_window=True)
    assert len(without.views) == 0
    assert "odd" in with_views.views


def test_a_window_loads_no_importers_and_nobody_modules_without_plug_ins(package):
    importer = """
from workbench.plugin_api.importer import Importer

class Odd(Importer):
    id = "odd"
    title = "Odd"
"""
    files = {"importers/__init__.py": "", "importers/odd.py": importer, "_own.py": "1 / 0"}
    files |= {
        "more/__init__.py": 'PLUG_INS = ("some",)',
        "more/some.py": "",
        "more/own.py": "1 / 0",
    }
    name = package("third_party_importers", files)
    worker, window = Catalog(), Catalog()
    worker.add_module(name)
    window.add_module(name, for_window=True)
    assert "odd" in worker.importers
    assert len(window.importers) == 0
    assert worker.broken == window.broken == []


def test_a_missing_plug_in_is_named_with_what_is_there(catalog):
    with pytest.raises(UserError, match="no layer called “NoSuch”") as caught:
        catalog.layers["NoSuch"]
    assert caught.value.hint == "A plug-in may be missing."
    with pytest.raises(UserError) as caught:
        catalog.layers["Conv2d"]
    assert "Perhaps Conv2D or" in caught.value.hint
    with pytest.raises(UserError) as caught:
        catalog.sources["digit"]
    assert "Perhaps digits is meant" in caught.value.hint


def test_settings_are_checked_in_words(catalog):
    with pytest.raises(UserError, match="Dense “dense1” has a setting that cannot be used"):
        catalog.layer(Node("dense1", "Dense", {"units": -1}))
    with pytest.raises(UserError, match="colour"):
        catalog.task(Component("classification", {"colour": "red"}))
    assert catalog.augmentation(None) is None


def test_settings_of_any_type_are_errors_for_people(catalog):
    for value in (None, "", [], {}, 1e400, float("nan"), 2**70, -(2**70), [[[]]]):
        for layer in catalog.layers:
            for field in layer.parameters():
                try:
                    made = configured(layer, {field.name: value})
                except UserError as error:
                    assert layer.title in error.message  # noqa: PT017 - either outcome is right
                else:
                    assert isinstance(made, layer)
