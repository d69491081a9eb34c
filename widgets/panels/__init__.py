"""Side and bottom panels."""
