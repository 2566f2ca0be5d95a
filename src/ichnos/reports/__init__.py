"""What people read: pictures of results."""
