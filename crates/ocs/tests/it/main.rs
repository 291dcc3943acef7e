//! OCS inventories: those of a laboratory, hostile ones, and the one that a real agent makes of this machine.

mod examples;
mod hostile;
mod real_agent;
