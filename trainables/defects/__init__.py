"""Images that are damaged or not, with masks of the damage if there are any, and how a trial divides them."""
