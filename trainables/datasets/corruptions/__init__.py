"""C-style corruptions of images: common changes of five severities each (Hendrycks and Dietterich, 2019)."""
