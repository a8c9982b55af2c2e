"""What MLflow gets about a study as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from saddle.study.models import Study
from saddle.studyfile.dump import dump_study


def study_params(study: Study) -> dict[str, Any]:
    """What all trials have in common; budgets may grow later, and MLflow lets no parameter change."""
    return {**study.settings, "trainable": study.source.name, "recipe": study.recipe, "scale": study.scale}


def study_tags(study: Study, code: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the study's run in MLflow."""
    return {
        "saddle.question": study.question,
        "saddle.code": str(code.get("commit", code["sources"])),
        "saddle.dirty": str(code.get("dirty", "")),
        "saddle.environment": json.dumps(code["environment"]),
        "mlflow.note.content": f"{study.question}\n\n```yaml\n{dump_study(study)}\n```",
        "saddle.started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
