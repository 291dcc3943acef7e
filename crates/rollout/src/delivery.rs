//! The deliveries of one host, as its agent lives them.
