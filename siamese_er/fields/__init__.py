"""What is known about one kind of field, one kind a file: placeholders, validity, normal form, comparison."""
