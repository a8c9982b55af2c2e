"""The report's figures: each function draws one, as SVG that goes inline into the page."""
