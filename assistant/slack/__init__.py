"""Answers in Slack: the same that every face gives, within Slack's limits."""
