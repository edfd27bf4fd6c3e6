"""The layer contract, its description and the folders say the same."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def _layers() -> list[list[str]]:
    return [re.split(r"\s*[:|]\s*", layer) for layer in CONTRACTS["layers"]["layers"]]


def _modules() -> set[str]:
    inside = {
        path.stem
        for path in (ROOT / "simgen").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and not path.name.startswith("__")
    }
    return inside | {name for name in ("adapters", "assets", "envs") if (ROOT / name).is_dir()}


def test_the_page_lists_the_layers_of_the_contract():
    page = (ROOT / "docs" / "architecture.md").read_text()
    block = re.search(r"```layers\n(.*?)```", page, re.DOTALL)
    assert block is not None
    assert [line.split(", ") for line in block[1].splitlines()] == _layers()


def test_the_page_describes_every_layer():
    page = (ROOT / "docs" / "architecture.md").read_text()
    described = re.findall(r"^\| `(\w+)` \| ", page, re.MULTILINE)
    assert described == [name for layer in _layers() for name in layer]


def test_every_module_has_its_layer():
    assert {name for layer in _layers() for name in layer} == _modules()


def test_torch_is_forbidden_everywhere_but_in_the_adapters_the_rare_cases_and_their_files():
    sources = {name.removeprefix("simgen.") for name in CONTRACTS["torch"]["source_modules"]}
    assert sources == _modules() - {"adapters", "rare", "torchfile"}
    assert set(CONTRACTS["torch"]["forbidden_modules"]) == {"torch", "lightning", "albumentations"}
