"""The study designs, each in a file that is called what a study file calls it; `saddle.design.registry` finds them."""
