"""What people serve a SavedModel with today, each as its own documentation has it."""
