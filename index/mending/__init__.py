"""Text whose UTF-8 was read in a wrong code page: recognised, and read again as it was meant."""
