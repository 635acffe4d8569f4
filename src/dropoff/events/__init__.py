"""The log of every change, cursors over it, leased jobs, and signed webhooks."""
