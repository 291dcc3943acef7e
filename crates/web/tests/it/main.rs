//! The web over an invented fleet: pages in both languages, guards, and the API.

mod api;
mod client;
mod fixture;
mod guards;
mod hostile;
mod pages;
mod uploads;
