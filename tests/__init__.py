"""A package, because one of those that we install brings a `tests` of its own, which would hide a mere folder."""
