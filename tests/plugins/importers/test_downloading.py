"""Downloads go on where they were cut off, and never give a file that is not the published one."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch  # noqa: TID253
import torchvision  # noqa: TID253

from plugins.importers import _downloading
from plugins.importers._downloading import fetch
from plugins.importers._keras_models import keras_here
from plugins.importers.keras_models import downloads
from plugins.importers.torchvision_models import TorchvisionImporter
from workbench.errors import UserError

CONTENT = hashlib.shake_256(b"weights").digest(3 * 2**20)
OTHER = hashlib.shake_256(b"others").digest(3 * 2**20)
FULL = hashlib.sha256(CONTENT).hexdigest()
HASH = FULL[:8]


@dataclass
class Site:
    """A server of one file.

    Attributes:
        cuts: after how many bytes the next answers are cut.
        answers: status codes that the next requests get.
        asked: what was asked for: `Range` and `If-Range`.
    """

    content: bytes = CONTENT
    tag: str = '"one"'
    knows_parts: bool = True
    says_length: bool = True
    cuts: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(_downloading, "PAUSE", 0.001)
    monkeypatch.setattr(_downloading, "INTERVAL", 0.0)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            part, wanted = self.headers["Range"], self.headers["If-Range"]
            made.asked.append((part, wanted))
            if made.answers:
                self.send_error(made.answers.pop(0))
                return
            start = int(part[6:-1]) if part and made.knows_parts and wanted == made.tag else 0
            self.send_response(206 if start else 200)
            if start:
                end, size = len(made.content) - 1, len(made.content)
                self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
            if made.tag:
                self.send_header("ETag", made.tag)
            if made.says_length:
                self.send_header("Content-Length", str(len(made.content) - start))
            self.end_headers()
            most = made.cuts.pop(0) if made.cuts else len(made.content)
            self.wfile.write(made.content[start : start + most])

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/net-{HASH}.pth"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "net.pth"


def got(site, target, told=None):
    tell = (lambda words: None) if told is None else told.append
    found = fetch(site.url, target, tell, HASH).read_bytes()
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    return found


def test_it_goes_on_by_itself_where_the_connection_was_cut(site, target):
    site.cuts = [2**20, 2**19]
    told = []
    assert got(site, target, told) == CONTENT
    assert site.asked == [
        (None, None),
        (f"bytes={2**20}-", '"one"'),
        (f"bytes={2**20 + 2**19}-", '"one"'),
    ]
    assert "Downloading net.pth: 3.0 of 3.0 MB" in told
    assert "Waiting to go on: the connection was cut at 1.0 of 3.0 MB" in told
    assert got(site, target) == CONTENT
    assert len(site.asked) == 3  # what is here is not asked for again


def test_what_has_come_is_kept_for_the_next_time(site, target):
    site.cuts = [2**20, *[0] * 9]
    with pytest.raises(UserError, match=r"from 127\.0\.0\.1: the connection was cut at 1\.0") as e:
        fetch(site.url, target, lambda words: None, HASH)
    assert "What has come, 1 MB, is kept." in e.value.hint
    assert not target.exists()
    site.cuts, site.asked = [], []
    assert got(site, target) == CONTENT
    assert site.asked == [(f"bytes={2**20}-", '"one"')]


def test_it_can_be_stopped_and_gone_on_with(site, target):
    def stop(words):
        if words.startswith("Downloading"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(site.url, target, stop, HASH)
    assert not target.exists()
    assert got(site, target) == CONTENT
    assert site.asked[1][0] == f"bytes={_downloading.CHUNK}-"


def test_a_file_that_has_changed_is_not_glued_to_what_came_before(site, target):
    site.content, site.tag, site.cuts = OTHER, '"old"', [2**20, *[0] * 9]
    with pytest.raises(UserError):
        fetch(site.url, target, lambda words: None, HASH)
    site.content, site.tag, site.cuts = CONTENT, '"new"', []
    assert got(site, target) == CONTENT
    assert site.asked[-1] == (f"bytes={2**20}-", '"old"')


def test_a_file_that_has_changed_without_a_word_is_found_out_by_its_hash(site, target):
    site.content, site.cuts = OTHER, [2**20, *[0] * 9]
    with pytest.raises(UserError):
        fetch(site.url, target, lambda words: None, HASH)
    site.content, site.cuts = CONTENT, []
    assert got(site, target) == CONTENT
    assert [asked[0] for asked in site.asked[-2:]] == [f"bytes={2**20}-", None]


def test_a_server_that_gives_no_parts_gives_all_again(site, target):
    site.knows_parts, site.cuts = False, [2**20]
    assert got(site, target) == CONTENT
    site.knows_parts, site.tag, site.cuts, site.asked = True, "", [2**20], []
    target.unlink()
    assert got(site, target) == CONTENT
    assert site.asked == [(None, None), (None, None)]  # nothing told which version that was


def test_without_a_length_the_hash_tells(site, target):
    site.says_length = False
    assert got(site, target) == CONTENT


def test_another_file_than_the_published_one_is_not_kept(site, target):
    site.content = OTHER
    with pytest.raises(UserError, match=f"SHA-256 does not begin with {HASH}"):
        fetch(site.url, target, lambda words: None, HASH)
    assert not list(target.parent.glob("*.part*"))
    assert not target.exists()


def test_busy_servers_are_asked_again_others_are_not(site, target):
    site.answers = [503, 429]
    assert got(site, target) == CONTENT
    target.unlink()
    site.answers = [404]
    with pytest.raises(UserError, match=r"the server says 404 Not Found") as refusal:
        fetch(site.url, target, lambda words: None, HASH)
    assert str(target.parent) in refusal.value.hint
    site.answers = [503] * 9
    with pytest.raises(UserError, match="the server says 503"):
        fetch(site.url, target, lambda words: None, HASH)
    assert len(site.answers) == 9 - _downloading.TRIES


def test_a_part_that_is_longer_than_the_file_is_thrown_away(site, target):
    target.parent.mkdir()
    target.with_name("net.pth.part").write_bytes(bytes(2**22))
    target.with_name("net.pth.part.of").write_text('"one"')
    site.answers = [416]
    assert got(site, target) == CONTENT


def test_without_a_network_it_says_so_at_once(target, monkeypatch):
    monkeypatch.setattr(_downloading.time, "sleep", lambda seconds: pytest.fail("it waited"))
    with pytest.raises(UserError, match=r"this computer seems to be offline") as refusal:
        fetch("https://weights.invalid/net.pth", target, lambda words: None)
    assert f"put the file into {target.parent} by hand" in refusal.value.hint


def test_too_little_room_is_told_before_it_is_filled(site, target, monkeypatch):
    usage = _downloading.shutil.disk_usage
    monkeypatch.setattr(
        _downloading.shutil, "disk_usage", lambda path: usage(path)._replace(free=2**20)
    )
    with pytest.raises(UserError, match=r"needs 3 MB more, but only 1 MB are free"):
        fetch(site.url, target, lambda words: None, HASH)


def test_a_folder_that_cannot_be_written_is_told(site, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(UserError, match=r"net\.pth cannot be written to"):
        fetch(site.url, tmp_path / "cache" / "net.pth", lambda words: None, HASH)


def test_two_programs_download_a_file_once(site, target):
    ask = (site.url, target, lambda words: None, HASH)
    both = [threading.Thread(target=fetch, args=ask) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 1


def test_weights_of_torchvision_come_from_its_address_and_are_taken_as_arrays(
    site, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network = torchvision.models.squeezenet1_1()
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    site.content, site.cuts = buffer.getvalue(), [2**20]
    digits = hashlib.sha256(site.content).hexdigest()[:8]
    weights = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(weights.value, "url", site.url.replace(HASH, digits))
    told = []
    found = TorchvisionImporter().published("squeezenet1_1", weights.name, told.append)
    assert all(map(torch.equal, found.state_dict().values(), network.state_dict().values()))
    assert any(words.startswith(f"Downloading net-{digits}.pth: ") for words in told)
    (file,) = (tmp_path / "hub" / "checkpoints").iterdir()
    torch.save(network, file)  # a pickle of any object
    with pytest.raises(UserError, match=rf"{file.name} in .* cannot be loaded: Weights only"):
        TorchvisionImporter().published("squeezenet1_1", weights.name, told.append)


def test_weights_of_keras_come_through_its_own_loader(site, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    site.cuts = [2**20]
    keras = keras_here()
    told = []
    options = {"cache_dir": str(tmp_path), "cache_subdir": "models"}
    with downloads(told.append):
        path = keras.utils.get_file("n.h5", site.url, file_hash=FULL, **options)
        assert Path(path).read_bytes() == CONTENT
        Path(path).write_bytes(OTHER)  # Keras sees that, and asks anew
        path = keras.utils.get_file("n.h5", site.url, file_hash=FULL, **options)
    assert Path(path).read_bytes() == CONTENT
    assert "Waiting to go on: the connection was cut at 1.0 of 3.0 MB" in told
    assert len(site.asked) == 3
