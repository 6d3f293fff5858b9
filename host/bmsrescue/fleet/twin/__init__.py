"""Virtual stations: helpers of the twin on nests into which broken units are put and taken out again."""
