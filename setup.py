"""The package map, which pyproject.toml can't say: one distribution from three source roots."""

from pathlib import Path
from zipfile import ZipFile

from setuptools import find_packages, setup
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).resolve().parent


class EditableWheel(editable_wheel):
    """An editable install that also puts `platform` on the path.

    setuptools' own finder is asked last, after the path: in a folder above a checkout, `import saddle` would find the
    checkout itself, a folder without `__init__.py`, and take it for a namespace package.
    """

    def run(self) -> None:
        super().run()
        [wheel] = Path(self.dist_dir).glob("saddle-*.editable-*.whl")
        with ZipFile(wheel, "a") as archive:
            archive.writestr("__editable__.saddle-platform.pth", f"{HERE / 'platform'}\n")


setup(
    cmdclass={"editable_wheel": EditableWheel},
    package_dir={"saddle": "platform/saddle", "saddle_contracts": "tests/contracts"},
    packages=[
        *find_packages("platform"),
        *find_packages(include=["trainables", "trainables.*", "search_spaces", "search_spaces.*"]),
        "saddle_contracts",
    ],
    package_data={
        "saddle": [
            "**/*.html",
            "**/*.css",
            "**/*.js",
            "studyfile/starter_files/*",
            "archive/export/folder_files/*",
            "py.typed",
        ],
        "trainables": ["**/*.csv", "py.typed"],
        "search_spaces": ["**/*.yaml", "**/*.csv"],
    },
)
