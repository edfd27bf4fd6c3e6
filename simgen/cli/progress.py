"""A progress bar with a rate and a remaining time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Moves a bar on."""

    def __call__(self, made: int, *, total: int | None = None, note: str = "") -> None:
        """Count `made` more; a total that was not known before, and a text at the bar's end, may come along."""


@contextmanager
def bar(title: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Show a bar while the block runs; the function that it gives advances it by a number of `unit`.

    The bar appears with the first advance: a mistake that is found before the work starts needs none.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.2f} {unit}/s" if speed else f"- {unit}/s")

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
    task = progress.add_task(title, total=total, note="")

    def advance(made: int, *, total: int | None = None, note: str = "") -> None:
        progress.start()
        if total is not None:
            progress.update(task, total=total)
        progress.update(task, advance=made, note=note)

    try:
        yield advance
    finally:
        if progress.live.is_started:
            progress.stop()


def reaching(advance: Advance) -> Callable[[int, int | None, Mapping[str, float]], None]:
    """Return a function that moves a bar to how much is done, of how much, with some figures at its end."""
    last = 0

    def show(done: int, total: int | None, figures: Mapping[str, float]) -> None:
        nonlocal last
        advance(done - last, total=total, note=" ".join(f"{name} {value:.3g}" for name, value in figures.items()))
        last = done

    return show
