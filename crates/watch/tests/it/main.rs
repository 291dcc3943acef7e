//! The engine against what Nagios did, against stories told in lines, and against laws that always hold.

mod laws;
mod stories;
mod story;
mod traces;
