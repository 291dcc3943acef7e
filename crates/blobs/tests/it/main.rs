//! Folders and archives to chunks and back, as their users see it, with archives made by the system's own tools and by hand.

mod archives;
mod folders;
mod hostile;
mod stage;
mod unsafe_content;
