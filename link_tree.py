"""Show type checkers and the import linter the shape that pip installs: build/types/simgen, made of links."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent
TREE = ROOT / "build" / "types" / "simgen"


def main() -> None:
    TREE.mkdir(parents=True, exist_ok=True)
    for link in TREE.iterdir():
        link.unlink()
    sources = [path for path in (ROOT / "simgen").iterdir() if path.name != "__pycache__"]
    sources += [ROOT / name for name in ("adapters", "assets", "envs") if (ROOT / name).is_dir()]
    for source in sources:
        (TREE / source.name).symlink_to(source, target_is_directory=source.is_dir())


if __name__ == "__main__":
    main()
