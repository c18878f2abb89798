"""The only place that knows technologies: databases, files, processes, third-party tools."""
