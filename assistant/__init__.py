"""The online half: retrieve, judge, answer; REST and settings."""
