"""How far a target set of pictures lies from a source set, what kind of shift that is, and which randomizer to move.

    gap = compare(read_images(source), read_images(target), GapConfig(images=400))
    write_gap(gap, Path("gap"))          # gap.json and gap.html

In the order of the data: `sets` chooses pictures; `observe` looks at each once (`statistics`, `descriptor`, `eye`);
`compare` measures (`kernels`, `divergences`, `domains`, `features`, `priors`, `concept`, `shift`); `findings` and
`axes` say what to move; `page` and `plots` show it.
"""

from simgen.adapters.gap.compare import Gap, GapConfig, compare
from simgen.adapters.gap.page import require_folder, write_gap

__all__ = ["Gap", "GapConfig", "compare", "require_folder", "write_gap"]
