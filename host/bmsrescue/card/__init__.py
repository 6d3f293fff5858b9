"""The dongle's card: built, checked, and read as files or as a raw FAT image."""
