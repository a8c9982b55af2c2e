"""The node's cache of decoded images, which all trials of a machine share."""
