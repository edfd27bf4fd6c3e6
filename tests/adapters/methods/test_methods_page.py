"""The page's table of methods and tasks says what the methods say of themselves."""

import re
from pathlib import Path

from simgen.adapters.methods import METHODS

PAGE = Path(__file__).parents[3] / "docs" / "adaptation.md"


def test_the_page_says_where_a_method_is_not_defined_and_why():
    text = PAGE.read_text("utf-8")
    head, table = re.search(r"^\| defined for (.*)\n\|[-|]*\n((?:\|.*\n)+)", text, re.MULTILINE).groups()
    tasks = re.findall(r"`(\w+)`", head)
    reasons = dict(re.findall(r"^(\d)\. (.+)$", text[text.index(table) :].partition("\n\n`adain`")[0], re.MULTILINE))
    said = {}
    for line in table.splitlines():
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        numbers = [re.fullmatch(r"yes|no \((\d)\)", cell).group(1) for cell in cells]
        said[name.strip("`")] = {task: reasons[n] for task, n in zip(tasks, numbers, strict=True) if n}
    assert said == {name: dict(kind.undefined) for name, kind in METHODS.items()}
