"""What every benchmark says of its machine, and how it hands its figures over."""

import json
import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Return what the figures were made on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": load,
    }


def publish(report: dict[str, Any], file: Path | None) -> None:
    """Print the figures, and write them to a file where one is named."""
    text = json.dumps(report, indent=1, sort_keys=True)
    if file:
        file.write_text(text + "\n", "utf-8")
    print(text)
