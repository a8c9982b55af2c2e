"""A stored trial's network: load, export, measure and check it again."""
