"""How other programs start a night: cron, systemd, GitHub Actions and Kubernetes."""
