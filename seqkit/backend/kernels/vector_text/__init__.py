"""Lines of a word and its numbers to rows of float32: the inner loop of reading vectors from text."""
