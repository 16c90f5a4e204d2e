"""Models of the user's that look at pictures: where they lie, how they are loaded, how they want their pictures."""
