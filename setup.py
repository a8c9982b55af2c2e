"""The package map, which pyproject.toml can't say: one distribution from three source roots."""

from setuptools import find_packages, setup

setup(
    package_dir={"saddle": "platform/saddle", "saddle_contracts": "tests/contracts"},
    packages=[
        *find_packages("platform"),
        *find_packages(include=["trainables", "trainables.*", "search_spaces", "search_spaces.*"]),
        "saddle_contracts",
    ],
    package_data={
        "saddle": ["**/*.html", "**/*.css", "py.typed"],
        "trainables": ["**/*.csv", "py.typed"],
        "search_spaces": ["**/*.yaml", "**/*.csv"],
    },
)
