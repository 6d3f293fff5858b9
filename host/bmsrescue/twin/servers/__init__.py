"""The twin's unit for anybody's debugger: a ``remote_bitbang`` port, a control port, and the client side of both."""
