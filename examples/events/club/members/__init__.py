"""Who is a member of the club."""
