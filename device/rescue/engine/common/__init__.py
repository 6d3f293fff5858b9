# What lives through the run: the supply, the card's files, the image, the journal.
