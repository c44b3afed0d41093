"""AudioGen: textures and effects from words, with Meta's published weights, through audiocraft."""
