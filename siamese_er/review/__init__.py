"""What people look at: the review queue, later charts and the report."""
