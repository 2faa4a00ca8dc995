"""Letters to those who have joined."""
