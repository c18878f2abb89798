"""What Stackfold is about: stacks, components, flavors, activations and runs, as folds over events."""
