//! Ensemble moments, simultaneous bands and the verdict.
