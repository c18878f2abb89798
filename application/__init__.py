"""What can be done and what can be asked: one file per noun, one method per verb."""
