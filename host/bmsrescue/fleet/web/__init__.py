"""The page and its interfaces: everything it loads is served from here, nothing comes from elsewhere."""
