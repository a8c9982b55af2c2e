"""Pages of all studies of a storage, live: `guard` lets in, `routes` answer, `watched` reads, `pages` show."""
