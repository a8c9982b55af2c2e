"""Pictures arm by arm: those that every arm has, in the order of the study's arms."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from saddle.report.study_report import StudyReport
from saddle.report.study_sections.arm_gallery import page
from saddle.study.models import Study
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of

ROBUST, SPARSE = "test/robust_accuracy.worst_case", "test/sparse"
DECLARED = declare({ROBUST: "maximize", SPARSE: "maximize"}, ROBUST)


def png(path: str) -> bytes:
    """A grey picture, as bright as the file's name says."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), int(path.partition(".")[0]), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def report(ranks: dict[str, list[str]], *lacking: int) -> StudyReport:
    """Three doses with the pictures `maps` and `attack`; those `lacking` are without the latter."""
    compare: dict[str, Any] = {"metric": ROBUST, "ranks": ranks}
    ablation = {"factors": {"dose": [0, 1, 2]}, "seeds": 2, "compare": compare}
    study = Study.model_validate({"study": "s", "trainable": "t", "ablation": ablation})
    records = []
    for seed in (1, 0):
        for dose in (2, 0, 1):
            pictures = {"attack": f"{100 + dose}.png", "maps": f"{10 * dose + seed}.png"}
            if dose in lacking:
                del pictures["attack"]
            metrics = {ROBUST: 0.5, SPARSE: 0.1 * dose}
            given = {"arm": f"dose={dose}", "images": pictures}
            records.append(make_record(f"{dose}-{seed}", "s", seed, "completed", {}, {"dose": dose}, metrics, **given))
    return StudyReport(results_of(study, DECLARED, records, {"dose": 0}), read=png)


def test_every_picture_has_a_row_with_the_arms_in_their_order() -> None:
    attack, maps = page(report({"concise": [SPARSE]}))
    assert (attack.title, maps.title) == ("attack", "maps")
    assert [picture.caption for picture in maps.pictures] == ["dose=0", "dose=1", "dose=2"]
    shown = [base64.b64decode(picture.data.partition(",")[2]) for picture in maps.pictures]
    assert shown == [png("0.png"), png("10.png"), png("20.png")], "those of the first seed"


def test_a_picture_that_an_arm_lacks_is_left_out_and_so_is_a_study_without_ranks() -> None:
    assert [row.title for row in page(report({"concise": [SPARSE]}, 1))] == ["maps"]
    assert not page(report({}))
