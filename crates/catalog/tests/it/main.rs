//! The readers against their oracles, and against input made to hurt.

mod corpus;
mod robustness;
mod versions;
