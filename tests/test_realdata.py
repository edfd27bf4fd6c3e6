"""The registry and its downloads, against a server on this machine."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_tfrecord import example, record

from simgen import realdata
from simgen.cli.app import main
from simgen.errors import DataError
from simgen.formats.coco import CocoDataset
from simgen.realdata import REAL_SETS, RemoteFile, find_real_set, get_real_set

GOOD = record(example(b"a.jpg")) + record(example(b"b.jpg"))


class _Handler(BaseHTTPRequestHandler):
    requests: list[str]

    def do_GET(self) -> None:
        type(self).requests.append(self.path)
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write(GOOD[:100] if self.path == "/interrupted" else GOOD)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SIMGEN_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _Handler.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def offer(monkeypatch: pytest.MonkeyPatch, address: str, sha256: str | None = None) -> None:
    remote = RemoteFile(address, len(GOOD), sha256 or hashlib.sha256(GOOD).hexdigest())
    monkeypatch.setitem(REAL_SETS, "d6-dice", replace(REAL_SETS["d6-dice"], images=2, files=(remote,)))


def test_a_set_is_fetched_converted_and_kept(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, f"{server}/good")
    folder = find_real_set("d6-dice")
    assert folder == realdata.cache_folder() / "d6_dice"
    data = CocoDataset.read(folder)
    data.verify()
    assert data.classes == ("one", "two", "three", "four", "five", "six")
    assert [r.path.name for r in data.records] == ["a.jpg", "b.jpg"]
    assert find_real_set("d6-dice") == get_real_set("d6-dice") == folder
    assert _Handler.requests == ["/good"]


def test_the_labels_have_the_layout_of_the_published_set(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, f"{server}/good")
    content = json.loads((get_real_set("d6-dice") / "annotations.json").read_text())
    assert content["images"][1] == {"id": 2, "file_name": "b.jpg", "width": 40, "height": 30}
    assert content["annotations"][1] == {
        "id": 2,
        "image_id": 1,
        "category_id": 6,
        "bbox": [20.0, 15.0, 10.0, 15.0],
        "area": 150.0,
        "iscrowd": 0,
    }
    assert content["categories"][:2] == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]


@pytest.mark.parametrize(
    ("path", "sha256", "reason"),
    [
        ("good", "0" * 64, "has another checksum"),
        ("interrupted", None, "could not be fetched"),
        ("gone", None, "could not be fetched"),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    path: str, sha256: str | None, reason: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, f"{server}/{path}", sha256)
    with pytest.raises(DataError) as caught:
        find_real_set("d6-dice", Path("mine"))
    sentence = str(caught.value)
    for place in ("mine", str(Path("mine") / "d6_dice"), str(realdata.cache_folder() / "d6_dice")):
        assert f'"{place}"' in sentence
    assert f"the download {server}/{path} {reason}" in sentence
    assert "\n" not in sentence
    assert not [p for p in realdata.cache_folder().rglob("*") if p.is_file()]
    offer(monkeypatch, f"{server}/good")
    assert len(CocoDataset.read(find_real_set("d6-dice"))) == 2


def test_without_a_network_one_sentence_names_all_places(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SIMGEN_DATA", str(tmp_path / "shared"))
    offer(monkeypatch, "http://127.0.0.1:9/nobody-listens")
    assert main(["evaluate", "model.pt", "d6-dice", "--data", str(tmp_path / "mine")]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: real image set d6-dice: not found in ")
    for place in (tmp_path / "mine", tmp_path / "shared" / "d6_dice", realdata.cache_folder() / "d6_dice"):
        assert f'"{place}"' in printed
    assert printed.count("\n") == 1


def test_a_record_that_holds_two_images_of_one_name(tmp_path: Path) -> None:
    file = tmp_path / "x.record"
    file.write_bytes(record(example()) + record(example()))
    with pytest.raises(DataError, match=r"expected images of different names, got a\.jpg twice$"):
        realdata.examples_to_coco([file], tmp_path / "set")
    assert not (tmp_path / "set" / "annotations.json").exists()


def test_the_commands(server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    offer(monkeypatch, f"{server}/good")
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["data", "verify"]) == 2
    assert "none of the real image sets is here" in capsys.readouterr().err
    assert main(["data", "get", "d6-dice"]) == 0
    folder = realdata.cache_folder() / "d6_dice"
    assert capsys.readouterr().out.strip() == str(folder)
    assert main(["data", "verify", "d6-dice"]) == 0
    assert capsys.readouterr().out.strip() == f"d6-dice: 2 images are fine in {folder}"
    assert main(["data", "list"]) == 0
    listed = capsys.readouterr().out
    assert "BSD-3-Clause" in listed
    assert "digits" in listed
    assert main(["data", "get", "digits"]) == 2
    assert "comes with scikit-learn" in capsys.readouterr().err
    image = folder / "images" / "b.jpg"
    image.write_bytes(image.read_bytes()[:-30])
    assert main(["data", "verify", "d6-dice"]) == 2
    assert "b.jpg" in capsys.readouterr().err


def test_a_folder_that_holds_another_set(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, f"{server}/good")
    folder = get_real_set("d6-dice")
    sentence = f'error: real image set d6-dice-test: expected 50 images in "{folder}", got 2\n'
    assert main(["data", "verify", "d6-dice-test", "--data", str(folder)]) == 2
    assert capsys.readouterr().err == sentence
    assert main(["evaluate", "model.pt", "d6-dice-test", "--data", str(folder)]) == 2
    assert capsys.readouterr().err == sentence


NEITHER = "expected a folder of images or the name of a set, got neither"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evaluate", "m.pt", "d6-dcie"], f'real image set "d6-dcie": {NEITHER} (did you mean "d6-dice"?)'),
        (["evaluate", "m.pt", "digit"], f'real image set "digit": {NEITHER} (did you mean "digits"?)'),
        (["evaluate", "m.pt", "digits", "--repeats", "-3"], "--repeats: expected a whole number >= 0, got -3"),
        (["data", "get", "digts"], 'real image set: unknown name "digts" (did you mean "digits"?)'),
        (["data", "verify", "d6-dise"], 'real image set: unknown name "d6-dise" (did you mean "d6-dice"?)'),
        (
            ["data", "verify", "digits"],
            "real image set digits: comes with scikit-learn, so there is nothing to look for",
        ),
    ],
)
def test_names_that_are_nearly_right(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == f"error: {sentence}\n"
