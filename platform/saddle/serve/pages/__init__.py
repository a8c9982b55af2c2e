"""The pages as HTML, and the regions of them that change while they are open."""
