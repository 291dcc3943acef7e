//! The screens of the installer without their drawing: what they show, what an answer does (the DrakX reference §7 to §9).

pub mod desktop;
pub mod groups;
pub mod individual;
pub mod minimal;
