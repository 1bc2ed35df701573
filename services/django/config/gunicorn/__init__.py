"""How gunicorn serves the project."""
