"""What the staff uses; a Django project."""
