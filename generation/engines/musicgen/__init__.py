"""MusicGen: music from words with Meta's published weights, through audiocraft."""
