"""Figures of merit; each definition is the docstring of its function."""
