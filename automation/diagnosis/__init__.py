"""Why a deployment or a pipeline run failed: one cause, its evidence, the setting to change."""
