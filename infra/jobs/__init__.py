"""Jobs: commands of the release that run at their times."""
