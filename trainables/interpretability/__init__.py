"""Where in an image a decision comes from: saliency maps of the images' size."""
