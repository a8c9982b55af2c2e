"""Statistics on arrays and numbers, independent of trials and studies."""
