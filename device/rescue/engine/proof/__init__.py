# Steps "proof" and "put-back": does the unit run, and what if not.
