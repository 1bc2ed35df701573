from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """The project's own user, as Django advises to have from the beginning: a later change can't replace it."""
