//! A GitHub on loopback.
