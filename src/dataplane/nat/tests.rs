//! What the sessions promise, whatever happens to them.
