# Steps "sense" to "evidence": from a unit nobody touches to a chip that tells what it is.
