"""REST: routes, errors, and who may do what."""
