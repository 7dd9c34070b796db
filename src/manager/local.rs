//! The single-machine manager (laid next)
