//! The inventory beside what the system's own commands print, built-in checks beside the classic plugins, and plugins
//! that are real or nasty.

mod checks;
mod inventory;
mod plugins;
