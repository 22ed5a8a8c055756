"""The two HTTP listeners: callbacks, media and health for everyone; readiness and metrics for the operator."""
