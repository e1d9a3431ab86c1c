"""Alarms, dashboard, and the topic that reports them."""
