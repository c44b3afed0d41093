"""Music whose tempo, key and bars are known exactly, because the bench made it itself."""
