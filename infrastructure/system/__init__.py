"""The machine and its files: home folder, author, installed packages, code folders, run claims."""
