"""Maps and curves of several studies in one picture."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from saddle.analyse.study_comparison import StudyComparison
from saddle.report.comparison_sections.same_samples import Shown, curve_figures, maps_figure, once, page
from trainables.contract import CURVE, MAP, MAPPED

KIND = "IoU over threshold"
PIXELS = np.zeros((8, 4, 4), np.uint8)


class Study:
    """A study of a comparison: its trials' arrays lie in memory."""

    def __init__(self, name: str) -> None:
        self.name, self.blobs, self.illustrated = name, {}, []  # type: ignore[var-annotated]

    def trial(self, arm: str, data: str = "d", **arrays: Any) -> Study:
        paths = {}
        for title, values in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, values)
            path = f"{arm}/{title}"
            self.blobs[path] = buffer.getvalue()
            paths[title.replace("__", ".")] = path
        self.illustrated.append(SimpleNamespace(arm=arm, arrays=paths, fingerprints={"data": data}))
        return self

    def read(self, path: str) -> bytes:
        try:
            return self.blobs[path]
        except KeyError:
            raise FileNotFoundError(path) from None


def arrays(value: int, places: int = 0) -> dict[str, Any]:
    return {
        MAPPED: np.arange(8) + places,
        f"{MAP}saliency".replace(".", "__"): PIXELS + value,
        f"{MAP}x".replace(".", "__"): PIXELS,
        f"{CURVE}{KIND}.saliency".replace(".", "__"): np.array([[0, 1], [0, value / 100]]),
    }


def studies() -> list[Any]:
    gan = Study("gan").trial("generator=cnn_unet", **arrays(10)).trial("generator=swin_unet", **arrays(20))
    return [Study("pixels").trial("network=cnn_unet", **arrays(30)), gan]


def test_every_arm_of_every_study_has_a_column_and_what_all_share_has_one() -> None:
    figure = maps_figure(studies())
    assert figure is not None
    assert figure.svg.count("<image") == 6 * 4, "six samples; x once, and a map of each of three networks"
    for said in ("cnn unet", "swin unet"):
        assert said in figure.svg


def test_curves_of_one_kind_share_a_figure() -> None:
    [figure] = curve_figures(studies())
    assert figure.title == KIND
    assert figure.svg.count("saliency, ") == 3


def test_trials_of_other_samples_or_data_have_no_column() -> None:
    [pixels, gan] = studies()
    other = Study("other").trial("a", **arrays(5, places=1)).trial("b", data="elsewhere", **arrays(6))
    assert maps_figure([pixels, other]) is None, "one trial alone is not a comparison"
    figure = maps_figure([pixels, gan, other])
    assert figure is not None
    assert figure.svg.count("<image") == 6 * 4


def test_a_lost_array_leaves_the_others() -> None:
    [pixels, gan] = studies()
    gan.blobs.pop("generator=swin_unet/map__saliency")
    figure = maps_figure([pixels, gan])
    assert figure is not None
    assert figure.svg.count("<image") == 6 * 3


def test_a_comparison_without_maps_has_no_such_section() -> None:
    plain: Any = Study("plain").trial("a").trial("b")
    assert page(StudyComparison([plain], [], [], {})) == []


@pytest.mark.parametrize(("second", "titles"), [(PIXELS, ["x"]), (PIXELS + 1, ["x, a", "x, b"])])
def test_what_several_have_alike_is_nobodys_own(second: Any, titles: list[str]) -> None:
    assert [shown.title for shown in once([Shown("x", "a", PIXELS), Shown("x", "b", second)])] == titles
