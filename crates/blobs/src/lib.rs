//! Escadre.
