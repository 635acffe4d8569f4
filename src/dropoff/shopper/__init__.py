"""What the shopper sees: the pass page, its status, and the receipt."""
