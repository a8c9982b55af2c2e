"""Statistics on arrays and numbers; nothing here knows a trial or a study."""
