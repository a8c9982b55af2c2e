"""The Ray cluster that studies run on: connecting, credentials, nodes, resources, failures."""
