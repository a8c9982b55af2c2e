"""Processes that die: whose fault it was, and how the end of each is noticed."""
