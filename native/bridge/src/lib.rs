//! The functions that src/bridge calls; its twin is src/bridge/native.ts.
