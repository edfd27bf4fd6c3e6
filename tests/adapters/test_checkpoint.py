import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from simgen.adapters.checkpoint import ModelFile, load_model, save_model
from simgen.adapters.models import build_model
from simgen.adapters.predict import build_module
from simgen.errors import CheckpointError

ARCHITECTURE = {"kind": "crop_classifier", "widths": [4, 8]}


def _model() -> ModelFile:
    module = build_model(ARCHITECTURE, 2)
    return ModelFile("classify", ["a", "b"], ARCHITECTURE, {"view": {}}, 0.25, {"steps": 3}, module.state_dict())


class _Code:
    def __reduce__(self) -> object:
        return os.system, ("touch owned",)


def test_written_and_read_is_the_same(tmp_path: Path):
    model = _model()
    save_model(tmp_path / "model.pt", model)
    back = load_model(tmp_path / "model.pt")
    assert replace(back, state_dict={}).__dict__ == replace(model, state_dict={}).__dict__
    for name, value in build_module(back).state_dict().items():
        assert torch.equal(value, model.state_dict[name])
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_a_file_that_holds_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": "simgen-model/1", "task": _Code()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match=r"evil.pt: refused, because it holds more than plain data and weights$"):
        load_model(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()


def test_damaged_and_foreign_files_are_named(tmp_path: Path):
    path = tmp_path / "model.pt"
    with pytest.raises(CheckpointError, match="there is no such model file"):
        load_model(path)
    save_model(path, _model())
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="cannot be read as a torch file; it may be truncated"):
        load_model(path)
    path.write_text("hello")
    with pytest.raises(CheckpointError):
        load_model(path)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match="expected a simgen model file, but it is another kind of torch file"):
        load_model(path)
    torch.save({"format": "simgen-model/9"}, path)
    with pytest.raises(CheckpointError, match="expected the format simgen-model/1, but got 'simgen-model/9'"):
        load_model(path)
    torch.save({**_model().__dict__, "task": "detekt"}, path)
    with pytest.raises(CheckpointError, match=r'unknown task \'detekt\' \(did you mean "detect"\?\)'):
        load_model(path)
    torch.save({**_model().__dict__, "classes": "ab"}, path)
    with pytest.raises(CheckpointError, match="expected classes to be a list, but got a str"):
        load_model(path)


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path):
    with pytest.raises(TypeError, match=r"history\.map50 to be plain data, but got float64"):
        save_model(tmp_path / "model.pt", replace(_model(), history={"map50": np.float64(1)}))
    assert not list(tmp_path.iterdir())


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(CheckpointError, match="weights do not fit"):
        build_module(replace(_model(), classes=["a", "b", "c"]))
    with pytest.raises(CheckpointError, match=r'no kind \'crop_clasifier\' \(did you mean "crop_classifier"\?\)'):
        build_module(replace(_model(), architecture={"kind": "crop_clasifier"}))
    with pytest.raises(
        CheckpointError, match=r'model crop_classifier: unknown key "width" \(did you mean "widths"\?\)'
    ):
        build_module(replace(_model(), architecture={"kind": "crop_classifier", "width": 3}))
