"""What can be known of a design without a framework: shapes, cost and problems."""
