"""Images that are damaged or not, with masks of the damage where there are any, and how a trial divides them."""
