"""A legacy system and its successor behind one code: who is asked, and how their answers are compared."""
