"""What a head CT is, how it comes in and how a mask goes out."""
