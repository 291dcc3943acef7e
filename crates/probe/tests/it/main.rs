//! The inventory beside what the system's own commands print, and plugins that are real or nasty.

mod inventory;
