"""What every HTTP room shares: problems, bodies, idempotency, the shell of pages, health and metrics."""
