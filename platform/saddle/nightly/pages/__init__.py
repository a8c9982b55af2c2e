"""What people read of a nightly: the index page of all nights, a page for each, JSON and an Atom feed."""
