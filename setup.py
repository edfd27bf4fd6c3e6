"""Put adapters/ and assets/ (and envs/, once it is there) inside the installed simgen package."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
folders = {"simgen": "simgen"}
folders |= {f"simgen.{name}": name for name in ("adapters", "assets", "envs") if (ROOT / name).is_dir()}
packages = [name + rest for name, folder in folders.items() for rest in ("", *("." + p for p in find_packages(folder)))]
setup(package_dir=folders, packages=packages)
