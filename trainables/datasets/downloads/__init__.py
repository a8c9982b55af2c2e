"""Downloads of known datasets over HTTP, and how they are checked."""
