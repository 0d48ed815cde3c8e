//! Copies from POST to `replicated`.
