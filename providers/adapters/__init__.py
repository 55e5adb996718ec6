"""What is peculiar to each vendor: formats spoken, paths, authentication."""
