"""What Stackfold is about: stacks, components, flavors and runs, as folds over events."""
