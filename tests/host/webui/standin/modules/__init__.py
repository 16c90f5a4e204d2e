"""A small stand-in for the package `modules` of the AUTOMATIC1111 WebUI: the names and behaviour that are used here."""
