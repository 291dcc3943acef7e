//! Closures of small worlds, each answer judged by a checker that shares no code with the solver.

mod cases;
mod checker;
mod laws;
mod machine;
