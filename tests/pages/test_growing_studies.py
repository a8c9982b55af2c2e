"""The page on studies that grow shows what happens."""

from __future__ import annotations

from pathlib import Path

from saddle.analyse.arms.added_arms import growth_bound
from saddle.archive.studies import growth_of, read_study, settle_study
from saddle.store.local import LocalStore
from saddle.study.history import PlanGrowth, PlanHistory, SeedPlan
from saddle.studyfile.loader import parse_studies
from tests.support.pages import Piece, page_text, pieces, runs

PAGE = "docs/growing-studies.md"


@runs(*pieces("yaml", page=PAGE))
def test_the_arm_that_the_page_adds_is_the_only_new_one(page_pieces: list[Piece], tmp_path: Path) -> None:
    [shapes] = page_pieces
    line = next(line for line in shapes.text.splitlines() if "added to the file" in line)
    [before] = parse_studies(shapes.text.replace(line, ""), "shapes.yaml")
    [after] = parse_studies(shapes.text, "shapes.yaml")
    store = LocalStore(tmp_path)
    assert before.ablation is not None
    settle_study(store, before, dict(before.ablation.baseline), fresh=False)
    stored = read_study(store, "shapes")
    assert stored is not None
    growth = growth_of(stored, after)
    assert growth.refused == ()
    assert [arm.name for arm in growth.added] == ["epsilon_warmup=4"]
    assert "the arm `epsilon_warmup=4` is trained" in " ".join(page_text(PAGE).split())


def test_what_an_added_arm_costs_is_as_the_page_says() -> None:
    history = PlanHistory((SeedPlan((0,), (1,), finished=5, growth=PlanGrowth(added=("mp",))),))
    assert f"which is {100 * growth_bound(history, 0.05):.1f} % for one arm at 5 %" in " ".join(page_text(PAGE).split())
