"""The items of the checklist: methods.md, section 5, and the indicators of attack failure (Pintor et al., 2022)."""
