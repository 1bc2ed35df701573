"""What no single app owns: health, the request's log line, the task's log context."""
