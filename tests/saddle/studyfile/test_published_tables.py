from __future__ import annotations

from pathlib import Path

import pytest

from saddle.errors import StudyError
from saddle.studyfile.published_tables import find_table


@pytest.mark.parametrize("folder", [".", "published"])
def test_a_misspelt_table_is_suggested_wherever_tables_are_looked_for(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "accuracies_of_2025.csv").write_text("arm,value\n")
    study_file = str(tmp_path / "study.yaml")
    assert find_table("accuracies_of_2025.csv", study_file)[1] == b"arm,value\n"
    with pytest.raises(StudyError, match=r"did you mean accuracies_of_2025\.csv\?"):
        find_table("acuracies_of_2025.csv", study_file)
