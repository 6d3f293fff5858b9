"""What stands between the network and what the daemon serves: names, origins, sizes, who is asking."""
